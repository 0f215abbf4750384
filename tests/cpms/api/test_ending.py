"""When the time of a session is up, over the operator API."""

import pytest

from hub.cpms.api.routes.ending import EndingRoutes
from hub.database import Database
from hub.database.works import Also
from tests.clocks import ManualClock
from tests.cpms.api.conftest import Caller, House


@pytest.mark.parametrize(
    ("session_id", "at", "status"),
    [
        ("S1", "2026-01-01T13:30:00+01:00", 200),
        ("S1", "2026-01-01T12:00:00Z", 422),
        ("S1", "soon", 422),
        ("S2", "2026-01-01T12:30:00Z", 404),
    ],
)
async def test_a_session_is_given_an_end_that_is_to_come(
    database: Database, clock: ManualClock, session_id: str, at: str, status: int
) -> None:
    """RASD-F07."""
    ends: list[str] = []

    async def end_by(session: str, moment: object, also: Also[None]) -> bool:
        ends.append(f"{session} {moment}")
        if session == "S1":
            await database.transact(lambda tx: also(tx, None))
        return session == "S1"

    operator: Caller = await House(database, clock, (EndingRoutes(end_by),)).staff("operator")
    answer = await operator.ask("PUT", f"/sessions/{session_id}/end", json={"at": at})

    assert answer.status_code == status
    assert ends == ([f"{session_id} 2026-01-01 12:30:00+00:00"] if status != 422 else [])
