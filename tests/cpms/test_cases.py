"""Usage data somebody has to look at: opened once, closed with a note, never thrown away."""

import pytest

from hub.cpms.cases import Cases


@pytest.fixture
def cases(database):
    return Cases(database)


async def opened(cases, clock, **changes):
    values = {
        "kind": "INVALID_USAGE", "station_id": "ST1", "transaction_id": 7, "session_id": "S1",
        "detail": {"wh": 6000.0}, "opened_at": clock.now(),
    } | changes  # fmt: skip
    await cases.open(values.pop("kind"), **values)


async def test_a_case_is_opened_once(cases, clock):
    await opened(cases, clock)
    await clock.advance(60)
    await opened(cases, clock, detail={"wh": 1.0})

    (case,) = await cases.all()
    assert (case.kind, case.transaction_id, float(case.detail["wh"])) == ("INVALID_USAGE", 7, 6000.0)
    assert case.closed_at is None


async def test_a_closed_case_stays_with_its_note(cases, clock):
    await opened(cases, clock)
    (case,) = await cases.all()

    assert await cases.close(case.id, note="billed by hand", closed_at=clock.now())
    assert not await cases.close(case.id, note="again", closed_at=clock.now())

    assert await cases.all() == []
    (kept,) = await cases.all(open_only=False)
    assert (kept.note, kept.closed_at) == ("billed by hand", clock.now())


async def test_a_case_that_is_none_cannot_be_closed(cases, clock):
    assert not await cases.close(99, note="", closed_at=clock.now())
