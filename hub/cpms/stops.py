"""Which transaction a stop of 1.6 means that does not name it by our number.

The answer to its start was lost, or the start is still queued: the station stops under a number of its
own (0, -1, one from before), or of another transaction. A stop that nobody can be sure of ends none;
it is kept by itself, as a case.

Source: OCPP 1.6, 4.10 StopTransaction (idTag may be left out); decision 0018.
"""

from hub.cpms.running import Running, Runs
from hub.cpms.transaction_store import Kept, TransactionStore
from hub.ocpp.events import EVSE, TransactionEvent
from hub.ocpp.words import id_tag


def ended_otherwise(run: Running, event: TransactionEvent) -> bool:
    """Whether a transaction was stopped at another meter than this: its number was the station's own, not ours."""
    stop = run.newest
    return run.ended and stop is not None and stop.register != (event.meter or 0) * 1000


def unnumbered(runs: Runs, event: TransactionEvent) -> Running | None:
    """Return the one transaction of a station that is of this token, and can have come to this meter."""
    here = runs.at(EVSE(station_id=event.station_id, evse_id=0))
    fitting = [each for each in here if _can_end(each, event)]
    return fitting[0] if len(fitting) == 1 else None


def _can_end(run: Running, event: TransactionEvent) -> bool:
    authorization = run.kept.authorization
    if event.id_token is None or authorization is None or run.kept.started_at > event.at:
        return False
    uid = authorization.token["uid"]
    same = event.id_token.id_token.upper() in (uid.upper(), id_tag(uid).upper())
    return same and (run.first is None or (event.meter or 0) * 1000 >= (run.first.register or 0))


async def orphan_of(store: TransactionStore, event: TransactionEvent) -> Kept | None:
    """Return the stop that came before this start, under a number that was not ours."""
    for kept in await store.orphans(event.station_id):
        stop = (await store.messages(kept.id))[-1]
        token = (stop.detail or {}).get("id_token", "")
        same = event.id_token is not None and token.upper() == event.id_token.id_token.upper()
        later = stop.at >= event.at and (stop.register or 0) >= (event.meter or 0) * 1000
        if same and later:
            return kept
    return None
