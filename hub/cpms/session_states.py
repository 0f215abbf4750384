"""A session from its authorization to its CDR, as a declared graph; nothing else may happen to one.

The graph is checked where it is declared: every state is reached, every state that is not final can
be left, and leads to a final one. An event a state has no arrow for is refused, so that what is told
twice or too late changes nothing.

Source: OCPI 2.3.0, mod_sessions.asciidoc (SessionStatus): COMPLETED is never modified again.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from hub.ocpi.objects import JSONObject


class State(enum.StrEnum):
    """Where a session is."""

    #: An outlet is kept for the driver.
    RESERVED = "RESERVED"
    #: The driver may charge and the station knows; the car is awaited.
    AUTHORIZED = "AUTHORIZED"
    #: The station has begun a transaction; no energy has been metered.
    STARTED = "STARTED"
    #: Energy flows.
    CHARGING = "CHARGING"
    #: The station holds the energy back; the car would take more.
    SUSPENDED = "SUSPENDED"
    #: The car takes no more, and stands there.
    PARKING = "PARKING"
    #: The transaction is over, and what it used is known.
    ENDED = "ENDED"
    #: Its CDR is made. Final.
    BILLED = "BILLED"
    #: It was the operator's own test: no CDR. Final.
    UNBILLED = "UNBILLED"
    #: What was metered cannot be billed as it is; a case says why. Final.
    INVALID = "INVALID"
    #: Nothing ever began. Final.
    CANCELED = "CANCELED"
    #: The reservation was not used. Final.
    LAPSED = "LAPSED"


class Step(enum.StrEnum):
    """What happens to a session."""

    START = "start"
    CANCEL = "cancel"
    LAPSE = "lapse"
    FLOW = "flow"
    HOLD_BACK = "hold back"
    PARK = "park"
    END = "end"
    BILL = "bill"
    LEAVE_UNBILLED = "leave unbilled"
    INVALIDATE = "invalidate"


class IllegalStep(Exception):
    """The session is in a state in which that does not happen."""


Arrows = Mapping[State, Mapping[Step, State]]


@dataclass(frozen=True)
class Graph:
    """States, and the steps between them.

    Raises:
        ValueError: a state cannot be reached, or cannot come to an end.
    """

    initial: frozenset[State]
    arrows: Arrows

    def __post_init__(self) -> None:
        reached = self._reached(self.initial)
        if missing := set(State) - reached:
            raise ValueError(f"no session ever is {sorted(missing)}")
        for state in State:
            if not self._reached({state}) & self.final:
                raise ValueError(f"a session that is {state} never comes to an end")

    @property
    def final(self) -> frozenset[State]:
        """The states nothing leads out of."""
        return frozenset(state for state in State if not self.arrows.get(state))

    def after(self, state: State, step: Step) -> State:
        """Return the state a step leads to.

        Raises:
            IllegalStep: there is no such arrow.
        """
        try:
            return self.arrows[state][step]
        except KeyError:
            raise IllegalStep(f"{state} does not {step}") from None

    def _reached(self, states: "set[State] | frozenset[State]") -> set[State]:
        reached: set[State] = set()
        ahead = set(states)
        while ahead:
            reached |= ahead
            ahead = {after for state in ahead for after in self.arrows.get(state, {}).values()} - reached
        return reached


#: A session that has begun may be charging, held back or parked, in any order, until it ends.
_RUNNING = {
    Step.FLOW: State.CHARGING,
    Step.HOLD_BACK: State.SUSPENDED,
    Step.PARK: State.PARKING,
    Step.END: State.ENDED,
}

SESSION = Graph(
    initial=frozenset({State.RESERVED, State.AUTHORIZED, State.STARTED}),
    arrows={
        State.RESERVED: {Step.START: State.STARTED, Step.LAPSE: State.LAPSED},
        State.AUTHORIZED: {Step.START: State.STARTED, Step.CANCEL: State.CANCELED},
        State.STARTED: _RUNNING,
        State.CHARGING: _RUNNING,
        State.SUSPENDED: _RUNNING,
        State.PARKING: _RUNNING,
        State.ENDED: {
            Step.BILL: State.BILLED,
            Step.LEAVE_UNBILLED: State.UNBILLED,
            Step.INVALIDATE: State.INVALID,
        },
    },
)

#: What OCPI calls each state.
STATUS: Mapping[State, str] = {
    State.RESERVED: "RESERVATION",
    State.AUTHORIZED: "PENDING",
    State.STARTED: "ACTIVE",
    State.CHARGING: "ACTIVE",
    State.SUSPENDED: "ACTIVE",
    State.PARKING: "ACTIVE",
    State.ENDED: "ACTIVE",
    State.BILLED: "COMPLETED",
    State.UNBILLED: "COMPLETED",
    State.INVALID: "INVALID",
    State.CANCELED: "INVALID",
    State.LAPSED: "COMPLETED",
}

#: What a session without a remembered state is in: it has begun, or it is over.
_OF_STATUS = {
    "RESERVATION": State.RESERVED,
    "PENDING": State.AUTHORIZED,
    "ACTIVE": State.STARTED,
    "COMPLETED": State.BILLED,
    "INVALID": State.INVALID,
}


def state_of(session: JSONObject, seal: JSONObject | None) -> State:
    """Return where a session is: as its seal remembers, else as its OCPI status tells."""
    remembered = (seal or {}).get("state")
    return State(remembered) if remembered else _OF_STATUS[session["status"]]
