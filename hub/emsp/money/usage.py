"""Usage data records: one per CDR, whatever became of it, for whoever has to account for every service.

Source: SGEM-3-03 (detailed usage data records for every service), 4.1-16 (station, start, end, phone, customer id).
"""

from collections.abc import AsyncIterator

from hub.emsp.money.amounts import Money
from hub.emsp.money.needs import Drivers, Payer
from hub.emsp.money.verdicts import Verdict, Verdicts
from hub.ocpi.objects import JSONObject

COLUMNS = (
    "cdr_id", "operator", "verdict", "session_id", "authorization_reference", "evse_id", "location", "city", "country",
    "start", "end", "kwh", "hours", "driver_id", "customer_id", "phone", "contract_id", "token_type", "auth_method",
    "currency", "cost", "price", "credits",
)  # fmt: skip


async def usage_records(
    verdicts: Verdicts, drivers: Drivers, since: int, until: int, *, driver_id: str | None = None
) -> AsyncIterator[JSONObject]:
    """Yield the records of the charges that ended in a time, in that order; moments in microseconds since 1970."""
    payers: dict[str, Payer] = {}
    for verdict in await verdicts.ended(since, until, driver_id=driver_id):
        known = verdict.driver_id
        if known is not None and known not in payers:
            payers[known] = await drivers.payer(known)
        yield usage_record(verdict, payers.get(known or ""))


def usage_record(verdict: Verdict, payer: Payer | None) -> JSONObject:
    """Return the record of a CDR; ``cost`` is what its CPO takes, ``price`` what its driver pays."""
    record = verdict.document | {
        "verdict": verdict.verdict,
        "driver_id": verdict.driver_id,
        "customer_id": payer.customer_id if payer else None,
        "phone": payer.phone if payer else None,
        "currency": verdict.currency,
        "cost": Money.of_minor(verdict.cost, verdict.currency).text,
        "price": Money.of_minor(verdict.price, verdict.currency).text,
    }
    return {name: record.get(name) for name in COLUMNS}
