"""Whether a CDR takes more than its CPO had said: by its Tariffs when the charge began, and by its Session at its end.

What was never told cannot contradict; and what is cheaper than was said is believed, for it is to nobody's harm.

Source: OCPI 2.3.0, mod_cdrs.asciidoc, mod_sessions.asciidoc (total_cost), mod_tariffs.asciidoc; X-56.
"""

import datetime
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal

from hub.ocpi import codec
from hub.ocpi.objects import JSONObject
from hub.ocpi.pricing import Unpriceable, after_taxes, price_cdr

#: JSON path and text of what is wrong.
Difference = tuple[str, str]

#: Whether an amount is more than another by more than is tolerated.
IsDearer = Callable[[Decimal, Decimal], bool]

#: Tariffs by their ids, in capitals, as they were at a moment.
Tariffs = Mapping[str, JSONObject]


def with_told(
    cdr: JSONObject, told: tuple[Tariffs, ...], zone: datetime.tzinfo, is_dearer: IsDearer
) -> Iterator[Difference]:
    """Yield how a CDR is dearer than by the Tariffs that had been told, whichever moment's are taken.

    Args:
        told: for each moment that may have been its charge's begin by the CPO's clock.
    """
    found = [list(_by_tariffs(cdr, each, zone, is_dearer)) for each in told if each]
    if found and all(found):
        yield from found[-1]


def _by_tariffs(
    cdr: JSONObject, told: Tariffs, zone: datetime.tzinfo, is_dearer: IsDearer
) -> Iterator[Difference]:  # fmt: skip
    tariffs = [told.get(each["id"].upper(), each) for each in cdr.get("tariffs") or ()]
    try:
        total = price_cdr(codec.encode(cdr | {"tariffs": tariffs}), zone).total.as_json()
    except Unpriceable as error:
        yield "$.tariffs", f"by the Tariffs told when the charge began: {error}"
        return
    yield from _dearer(cdr, total, "by the Tariffs told when the charge began it is", is_dearer)


def with_session(cdr: JSONObject, session: JSONObject | None, is_dearer: IsDearer) -> Iterator[Difference]:
    """Yield how a CDR is dearer than its Session said at its end; one that goes on has not said all.

    A Session's total_cost is all that the eMSP has to pay, a reservation included (mod_sessions).
    """
    if session is None or session["status"] != "COMPLETED" or not session.get("total_cost"):
        return
    if session["currency"] != cdr["currency"]:
        yield "$.currency", f"{cdr['currency']}, but the Session was in {session['currency']}"
        return
    yield from _dearer(cdr, session["total_cost"], "the Session said", is_dearer)


def _dearer(cdr: JSONObject, said: JSONObject, who: str, is_dearer: IsDearer) -> Iterator[Difference]:
    takes, currency = cdr["total_cost"], cdr["currency"]
    pairs = [("before_taxes", _net(takes), _net(said))]
    if takes.get("taxes") and said.get("taxes"):
        pairs.append(("taxes", after_taxes(takes), after_taxes(said)))
    for name, much, should in pairs:
        if is_dearer(much, should):
            yield f"$.total_cost.{name}", f"{much} {currency}, but {who} {should}"


def _net(price: JSONObject) -> Decimal:
    return Decimal(str(price["before_taxes"]))
