"""A CDR that takes more than its CPO had said is contested; one that keeps to what was said never is (X-56).

The charge of these tests begins at 12:00 and ends at 13:00; its CDR is judged at 14:00.
"""

import datetime
from decimal import Decimal

import pytest

from hub.emsp.money.told_tariffs import KEPT
from tests.cpms.test_sessions import cost_of, ended
from tests.emsp.money.conftest import AT
from tests.rooms import CPO, tariff

MORNING = AT - datetime.timedelta(hours=6)
NEW_YEAR = "2026-01-01T00:00:00.000Z"


def at_price(kwh, **changes):
    components = [{"type": "ENERGY", "price": Decimal(kwh), "vat": 20, "step_size": 1}]
    return tariff(elements=[{"price_components": components}]) | changes


CHEAP, DEAR = at_price("0.25"), at_price("25", last_updated="2026-01-01T09:00:00.000Z")


async def at(desk, moment):
    await desk.clock.advance((moment - desk.clock.now()).total_seconds())


async def tell(desk, value, moment=MORNING):
    """Have the CPO tell a Tariff at some time."""
    await at(desk, moment)
    await desk.database.transact(lambda tx: desk.store.tariffs.put(tx, CPO, value["id"], value))


async def judged(desk, billed, session=CHEAP, **changes):
    """Judge the CDR of a charge of 20 kWh by some Tariff, and return why it is contested."""
    await at(desk, AT)
    told = ended([session]) | {"authorization_reference": "REF"} | changes.pop("session_says", {})
    await desk.database.transact(lambda tx: desk.store.sessions.put(tx, CPO, "S1", told))
    await desk.keep(cost_of(billed) | changes)
    await desk.work()
    found = [each for dispute in await desk.till.disputes.list() for each in dispute.findings]
    return [(each["fault"], each["path"], each["text"]) for each in found]


async def test_a_price_that_is_raised_in_the_cdr_alone_is_contested(desk):
    await tell(desk, CHEAP)

    found = await judged(desk, at_price("25"), session_says={"total_cost": None})

    assert found == [
        ("TOLD_TARIFF", "$.total_cost.before_taxes",
         "500.00 EUR, but by the Tariffs told when the charge began it is 5.00"),
        ("TOLD_TARIFF", "$.total_cost.taxes",
         "600.00 EUR, but by the Tariffs told when the charge began it is 6.00"),
    ]  # fmt: skip
    assert await desk.till.charges.of("anna") == []


async def test_a_price_that_is_raised_after_the_charge_began_is_contested_though_it_was_told(desk):
    await tell(desk, CHEAP)
    await tell(desk, DEAR, AT - datetime.timedelta(hours=1))

    found = await judged(desk, DEAR, session_says={"total_cost": None})

    assert {fault for fault, *_ in found} == {"TOLD_TARIFF"}


@pytest.mark.parametrize("billed", [CHEAP, DEAR], ids=["before", "after"])
async def test_a_tariff_that_changes_contests_no_right_cdr_of_a_charge_before_or_after_it(desk, billed):
    changed = AT - datetime.timedelta(hours=1 if billed is CHEAP else 3)
    await tell(desk, CHEAP)
    await tell(desk, DEAR, changed)

    assert await judged(desk, billed, session=billed) == []


@pytest.mark.parametrize("billed", [CHEAP, DEAR], ids=["old", "new"])
async def test_a_change_at_the_moment_a_charge_begins_may_be_on_either_side_of_it(desk, billed):
    await tell(desk, CHEAP)
    await tell(desk, DEAR, AT - datetime.timedelta(hours=1, minutes=57))

    assert await judged(desk, billed, session=billed) == []


async def test_what_is_told_again_or_taken_off_the_shelf_was_told_all_the_same(desk):
    await tell(desk, CHEAP)
    await tell(desk, CHEAP, AT - datetime.timedelta(hours=4))
    await desk.database.transact(lambda tx: desk.store.tariffs.delete(tx, CPO, "T1"))

    found = await judged(desk, at_price("25"), session_says={"total_cost": None})

    assert len(await desk.database.fetch("SELECT 1 FROM emsp_tariff_version")) == 1
    assert {fault for fault, *_ in found} == {"TOLD_TARIFF"}


async def test_the_first_version_heard_of_is_in_force_from_when_its_cpo_says(desk):
    await tell(desk, CHEAP | {"last_updated": NEW_YEAR}, AT)

    assert await judged(desk, at_price("25"), session_says={"total_cost": None}) != []


async def test_a_tariff_that_is_of_later_does_not_contest(desk):
    await tell(desk, at_price("0.40"))
    await tell(desk, CHEAP | {"start_date_time": "2026-01-02T00:00:00Z"}, MORNING + datetime.timedelta(hours=1))

    assert await judged(desk, at_price("0.40"), session=at_price("0.40")) == []


@pytest.mark.parametrize("told", [[], [at_price("0.25", id="OTHER")]], ids=["nothing", "another"])
async def test_what_was_never_told_contradicts_nothing(desk, told):
    for each in told:
        await tell(desk, each)

    assert await judged(desk, at_price("25"), session_says={"total_cost": None}) == []
    assert len(await desk.till.receipts.of("anna")) == 1


async def test_a_cdr_that_is_cheaper_than_was_told_is_booked(desk):
    """Special offers."""
    await tell(desk, DEAR)

    assert await judged(desk, CHEAP, session=DEAR) == []


async def test_a_cdr_in_another_currency_than_its_tariff_was_told_in_is_contested(desk):
    await tell(desk, CHEAP)

    billed = CHEAP | {"currency": "CHF"}
    found = await judged(desk, CHEAP, currency="CHF", tariffs=[billed], session_says={"currency": "CHF"})

    assert [(fault, path) for fault, path, _ in found] == [("TOLD_TARIFF", "$.tariffs")]


async def test_a_cdr_dearer_than_its_session_said_at_its_end_is_contested(desk):
    found = await judged(desk, at_price("0.30"))

    assert found[0] == ("TOLD_COST", "$.total_cost.before_taxes", "6.00 EUR, but the Session said 5.00")
    assert [path for _, path, _ in found] == ["$.total_cost.before_taxes", "$.total_cost.taxes"]


async def test_a_session_in_another_currency_contradicts_its_cdr(desk):
    found = await judged(desk, CHEAP, session_says={"currency": "JPY"})

    assert found == [("TOLD_COST", "$.currency", "EUR, but the Session was in JPY")]


@pytest.mark.parametrize(
    "says", [{"status": "ACTIVE"}, {"total_cost": {"before_taxes": Decimal("5.95")}}], ids=["goes on", "tolerated"]
)
async def test_a_session_that_goes_on_or_differs_little_contests_nothing(desk, says):
    assert await judged(desk, at_price("0.30"), session_says=says) == []


async def test_versions_are_kept_for_half_a_year_after_others_followed_them(desk):
    for number, moment in enumerate((MORNING, MORNING + KEPT, AT + KEPT * 2)):
        await tell(desk, at_price(f"0.{number + 1}"), moment)

    rows = await desk.database.fetch("SELECT count(*) FROM emsp_tariff_version")
    assert rows[0][0] == 2
