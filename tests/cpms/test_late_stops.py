"""A transaction that was given up, and whose stop comes after all: billed once, as it was; on both stores.

Source: OCPI 2.3.0, mod_cdrs.asciidoc (Credit CDRs).
"""

from decimal import Decimal

import pytest

from hub.cpms.crediting import Crediting
from hub.cpms.terms import terms_of
from hub.ocpp.events import Answer, IdToken
from tests.cpms.operating import Operation


async def given_up(operation, metered=4000):
    """Charge for half an hour, and have the transaction given up; return its stop, at 7 kWh."""
    number = (await operation.tell(operation.started(meter=1000))).transaction_id
    await operation.later(900)
    if metered is not None:
        await operation.tell(operation.metered(number, metered))
    await operation.later(900)
    stop = operation.stopped(number, 7000)
    await operation.status("Available")
    await operation.later(3700)
    return stop


def net(cdrs):
    """Return what a driver pays in the end, before taxes."""
    return sum(each["total_cost"]["before_taxes"] for each in cdrs)


def energy(cdrs):
    """Return what he pays it for, in kWh: a Credit CDR takes its energy back."""
    return sum(-each["total_energy"] if each.get("credit") else each["total_energy"] for each in cdrs)


async def test_a_late_stop_has_the_first_cdr_credited_and_a_right_one_made_once(operation):
    stop = await given_up(operation)
    (session,) = await operation.sessions()

    await operation.tell(stop)
    await operation.tell(stop)

    wrong, credit, right = await operation.cdrs()
    assert (wrong["total_energy"], credit["total_energy"], right["total_energy"]) == (3, 3, 6)
    assert (credit["credit"], credit["credit_reference_id"]) == (True, wrong["id"])
    assert "credit" not in right
    assert right["id"] not in (wrong["id"], credit["id"])
    assert right["session_id"] == session["id"]
    assert right["end_date_time"] == "2026-01-01T12:30:00.000Z"
    assert (energy([wrong, credit, right]), net([wrong, credit, right])) == (6, Decimal("2.9"))  # 6 x 0.4 + 0.5
    assert await operation.cases() == []
    assert await operation.sessions() == [session]  # COMPLETED is never modified again


async def test_the_cdr_of_a_late_stop_is_that_of_a_stop_in_time(operation, hub, database, clock):
    await operation.tell(await given_up(operation))
    late = (await operation.cdrs())[-1]
    number = (await operation.tell(operation.started(meter=1000))).transaction_id
    await operation.later(900)
    await operation.tell(operation.metered(number, 4000))
    await operation.later(900)

    await operation.tell(operation.stopped(number, 7000))

    in_time = (await operation.cdrs())[-1]
    for name in ("total_energy", "total_time", "total_cost", "total_energy_cost"):
        assert late[name] == in_time[name], name
    assert [each["dimensions"] for each in late["charging_periods"]] == [
        each["dimensions"] for each in in_time["charging_periods"]
    ]


async def test_the_terms_of_a_cdr_are_those_of_the_right_one_too(operation):
    operation.endpoints.desk._terms = operation.endpoints.desk._rebilling._terms = terms_of("INV-{month}", "LOC1")

    await operation.tell(await given_up(operation))

    for each in await operation.cdrs():
        assert (each["invoice_reference_id"], each["home_charging_compensation"]) == ("INV-01", True)


async def test_a_late_stop_that_says_the_same_changes_nothing(operation):
    number = (await operation.tell(operation.started(meter=1000))).transaction_id
    await operation.later(900)
    await operation.tell(operation.metered(number, 4000))
    stop = operation.stopped(number, 4000)
    await operation.status("Available")
    await operation.later(3700)

    await operation.tell(stop)

    assert await operation.billed() == [Decimal(3)]


async def test_what_was_invalid_without_a_reading_is_billed_by_its_late_stop_as_a_session_of_its_own(operation):
    """INVALID is billed to nobody: so it is told, and so it stays."""
    stop = await given_up(operation, metered=None)
    assert [each["status"] for each in await operation.sessions()] == ["INVALID"]

    await operation.tell(stop)
    await operation.tell(stop)

    first, another = await operation.sessions()
    (cdr,) = await operation.cdrs()
    assert (first["status"], another["status"], another["kwh"]) == ("INVALID", "COMPLETED", 6)
    assert (cdr["session_id"], cdr["total_energy"]) == (another["id"], 6)
    assert await operation.cases() == []


async def test_a_late_end_of_2_0_1_is_billed_in_place_of_what_was_known(operation):
    commands = operation.chargers.connect()
    commands.version = "2.0.1"
    commands.answers["transaction_status"] = Answer(status="Ended")
    await operation.tell(operation.told("Started", 0, 1000, id_token=IdToken(id_token="CARD-1")))
    await operation.later(290)
    await operation.tell(operation.told("Updated", 1, 4000))
    await operation.later(600)
    assert await operation.billed() == [3]

    answer = await operation.tell(operation.told("Ended", 3, 7000))

    assert energy(await operation.cdrs()) == 6
    assert answer.total_cost is None  # the Session stays as it was, so nobody is told a cost of 3 kWh


async def test_a_late_stop_below_what_was_billed_is_a_case(operation):
    stop = await given_up(operation, metered=7500)

    await operation.tell(stop)

    cases = {each.kind: each.detail for each in await operation.cpms.cases.all()}
    assert await operation.billed() == [Decimal("6.5")]
    assert cases["LATE_STOP"] == {"billed_wh": 6500.0, "told_wh": 6000.0}


async def test_a_late_stop_changes_nothing_of_what_a_person_has_taken_back(operation):
    stop = await given_up(operation)
    (wrong,) = await operation.cdrs()
    await Crediting(operation.endpoints.store, clock=operation.clock.now).credit(wrong["id"])

    await operation.tell(stop)

    assert energy(await operation.cdrs()) == 0
    assert sorted(await operation.cases()) == ["LATE_STOP", "START_WITHOUT_STOP"]


async def test_a_crash_after_the_correction_corrects_nothing_twice(operation, hub, database, clock, monkeypatch):
    stop = await given_up(operation)
    correct = operation.cpms.desk.correct

    async def die(event):
        await correct(event)
        raise ConnectionError

    with monkeypatch.context() as patch, pytest.raises(ConnectionError):
        patch.setattr(operation.cpms.desk, "correct", die)
        await operation.tell(stop)
    await operation.stop()
    again = await Operation(hub, database, clock).start()
    again.chargers.connect()

    await again.tell(stop)

    assert len(await again.cdrs()) == 3
    assert await again.cases() == []
    await again.stop()
