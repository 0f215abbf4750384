"""Usage data somebody has to look at, over the operator API (X-56)."""

import pytest

from hub.cpms.api.routes.cases import CaseRoutes
from hub.cpms.cases import Cases
from hub.database import Database
from tests.clocks import ManualClock
from tests.cpms.api.conftest import Caller, House


@pytest.fixture
async def operator(database: Database, clock: ManualClock) -> Caller:
    cases = Cases(database)
    for number in (1, 2):
        await cases.open(
            "UNAUTHORIZED", station_id="CP1", transaction_id=number, session_id="", detail={"kwh": number},
            opened_at=clock.now(),
        )  # fmt: skip
    return await House(database, clock, (CaseRoutes(cases),)).staff("operator")


async def test_open_cases_are_listed_until_somebody_closes_them_with_a_note(operator: Caller) -> None:
    first, second = (await operator.get("/cases"))["items"]

    closed = await operator.post(f"/cases/{first['id']}/close", {"note": "a visitor; not billed"}, 200)

    assert (closed["note"], closed["closed_at"]) == ("a visitor; not billed", "2026-01-01T12:00:00Z")
    assert (await operator.get("/cases"))["items"] == [second]
    assert len((await operator.get("/cases?open_only=false"))["items"]) == 2


async def test_a_case_is_closed_once_and_with_a_note(operator: Caller) -> None:
    (first, _) = (await operator.get("/cases"))["items"]
    path = f"/cases/{first['id']}/close"

    bare = await operator.ask("POST", path, json={})
    done = await operator.ask("POST", path, json={"note": "seen"})
    again = await operator.ask("POST", path, json={"note": "other"})
    unknown = [await operator.ask("POST", f"/cases/{each}/close", json={"note": "x"}) for each in ("99", "x")]

    assert [each.status_code for each in (bare, done, again, *unknown)] == [422, 200, 409, 404, 422]
    assert (await operator.get("/cases?open_only=false"))["items"][0]["note"] == "seen"


async def test_cases_are_read_page_by_page(operator: Caller) -> None:
    first = await operator.get("/cases?limit=1")
    second = await operator.get(f"/cases?limit=1&cursor={first['next']}")

    assert [each["items"][0]["transaction_id"] for each in (first, second)] == [1, 2]
    assert second["next"] is None
