"""The graph of a session: what may happen to it, and that the declaration cannot be wrong."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.cpms.session_states import SESSION, STATUS, Graph, IllegalStep, State, Step, state_of
from hub.ocpi.modules.sessions import SessionStatus


def test_a_session_goes_from_its_authorization_to_its_cdr():
    state = State.AUTHORIZED

    for step in (Step.START, Step.FLOW, Step.HOLD_BACK, Step.FLOW, Step.PARK, Step.END, Step.BILL):
        state = SESSION.after(state, step)

    assert state is State.BILLED
    assert STATUS[state] == "COMPLETED"


@pytest.mark.parametrize(
    ("state", "step"),
    [
        (State.BILLED, Step.END),
        (State.BILLED, Step.BILL),
        (State.CANCELED, Step.START),
        (State.LAPSED, Step.START),
        (State.STARTED, Step.BILL),
        (State.RESERVED, Step.FLOW),
        (State.INVALID, Step.BILL),
    ],
)
def test_what_the_graph_has_no_arrow_for_does_not_happen(state, step):
    with pytest.raises(IllegalStep):
        SESSION.after(state, step)


@given(st.lists(st.sampled_from(Step), max_size=30))
def test_a_session_is_billed_at_most_once_whatever_is_told(steps):
    state, billed = State.AUTHORIZED, 0
    for step in steps:
        try:
            state = SESSION.after(state, step)
        except IllegalStep:
            continue
        billed += step is Step.BILL

    assert billed <= 1


def test_every_state_has_a_name_in_ocpi_and_every_name_is_one_of_ocpis():
    assert STATUS.keys() == set(State)
    assert set(STATUS.values()) == set(get_args(SessionStatus))


def test_a_graph_with_a_state_nobody_reaches_is_refused():
    with pytest.raises(ValueError, match="no session ever is"):
        Graph(initial=frozenset({State.STARTED}), arrows={State.STARTED: {Step.END: State.ENDED}})


def test_a_graph_with_a_state_without_an_end_is_refused():
    loops = {state: {Step.START: State.STARTED} for state in State}

    with pytest.raises(ValueError, match="never comes to an end"):
        Graph(initial=frozenset(State), arrows=loops)


def test_a_session_from_before_the_graph_is_where_its_status_says():
    assert state_of({"status": "ACTIVE"}, None) is State.STARTED
    assert state_of({"status": "RESERVATION"}, {}) is State.RESERVED
    assert state_of({"status": "ACTIVE"}, {"state": "PARKING"}) is State.PARKING
