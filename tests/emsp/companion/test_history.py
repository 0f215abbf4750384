"""What charges cost, emitted and were good for; what drivers say of them; what fleets charged."""

import datetime
from decimal import Decimal

import pytest

from hub.emsp.companion.emissions import CountryMix, emissions, read_countries
from hub.emsp.companion.feedback import BadFeedback, Feedback, NotYourCharge
from hub.emsp.companion.fleets import Fleets, Member, NotYourFleet, TokenTaken, UnknownToken
from hub.emsp.companion.history import History, past, totals
from hub.emsp.companion.notifier import Notifier
from hub.emsp.companion.privacy import CompanionPrivacy
from tests.clocks import ManualClock
from tests.emsp.companion.people import ANNA, BEN, Past, People, Wallets, charged

NOW = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)
COUNTRIES = {"NLD": CountryMix(grams=Decimal(250), label="test figure")}


def mix(grams, green=False):
    return {"is_green_energy": green, "environ_impact": [{"category": "CARBON_DIOXIDE", "amount": grams}]}


@pytest.mark.parametrize(
    ("told", "country", "kg", "source"),
    [
        (mix(100), "NLD", Decimal("2.00"), "STATION"),
        (mix(0, green=True), "NLD", Decimal("0.00"), "STATION"),
        (mix(0), "NLD", Decimal("5.00"), "COUNTRY"),
        (mix(-5), "NLD", Decimal("5.00"), "COUNTRY"),
        (mix(99_999), "NLD", Decimal("5.00"), "COUNTRY"),
        ({"is_green_energy": True}, "NLD", Decimal("5.00"), "COUNTRY"),
        (None, "NLD", Decimal("5.00"), "COUNTRY"),
        (None, "ISL", None, "NONE"),
    ],
)
def test_without_a_plausible_energy_mix_the_countrys_is_used_or_none_and_it_says_which(told, country, kg, source):
    """X-68."""
    found = emissions(charged(1, NOW, energy_mix=told, country=country), COUNTRIES)

    assert (found.kg, found.source) == (kg, source)


def test_a_history_has_energy_cost_emissions_and_kilometres():
    """GEM-FTR-970."""
    charges = [
        charged(1, NOW), charged(2, NOW, kwh=Decimal("10"), cost=None, country="ISL"),
        charged(3, NOW, kwh=Decimal("6"), cost=Decimal("3"), currency="SEK", energy_mix=mix(50)),
    ]  # fmt: skip

    found = totals(past(each, COUNTRIES, Decimal(20)) for each in charges)

    assert (found.charges, found.kwh, found.km) == (3, Decimal(36), Decimal(180))
    assert found.cost == {"EUR": Decimal("8.40"), "SEK": Decimal("3")}
    assert (found.kg, found.unknown) == (Decimal("5.30"), 1)


async def test_a_driver_gets_the_report_of_each_charge_once(database):
    """GEM-FTR-951."""
    notifier = Notifier(database, clock=ManualClock())
    history = History(charges=Past(), contacts=People(), notifier=notifier, countries=COUNTRIES)

    for _ in range(2):
        await history.report(charged(1, NOW))

    (told,) = await notifier.of(ANNA)
    assert told.text == "You charged 20 kWh at Harbour from 2026-01-01 12:00 to 2026-01-01 13:00."
    assert told.data == {
        "place": "Harbour", "kwh": "20", "cost": "8.40 EUR", "start": "2026-01-01 12:00", "end": "2026-01-01 13:00",
        "km": "111", "co2": "5.00", "co2_source": "NLD, test figure",
        "receipt": None,
    }  # fmt: skip


async def test_a_history_is_a_drivers_own():
    history = History(
        charges=Past(charged(1, NOW), charged(2, NOW, driver_id=BEN)), contacts=People(), notifier=None, countries={}
    )

    assert [each.charge.reference for each in await history.of(ANNA, NOW - DAY, NOW + DAY)] == ["C1"]


# -- feedback --------------------------------------------------------------------------------------


@pytest.fixture
def feedback(database):
    past = Past(charged(1, NOW - DAY), charged(2, NOW - DAY, driver_id=BEN), charged(3, NOW - 100 * DAY))
    return Feedback(database, clock=ManualClock(), charges=past)


async def test_drivers_say_how_content_they_are_once_per_charge(feedback):
    """INCAR-AP03."""
    await feedback.give(ANNA, "C1", 1, "Cable too short.")
    await feedback.give(ANNA, "C1", 2)
    await feedback.give(BEN, "C2", 5)

    rating = await feedback.rating("NL-CPO", "loc1")

    assert (rating.count, rating.stars) == (2, Decimal("3.5"))
    assert (await feedback.rating("NL-CPO", "LOC2")).stars is None


@pytest.mark.parametrize("charge", ["C2", "C3", "C4"], ids=["another's", "too old", "none"])
async def test_nobody_speaks_of_a_charge_that_is_not_his(feedback, charge):
    with pytest.raises(NotYourCharge):
        await feedback.give(ANNA, charge, 5)


@pytest.mark.parametrize(("stars", "text"), [(0, ""), (6, ""), (5, "x" * 2001)])
async def test_there_are_one_to_five_stars_and_a_text_that_can_be_read(feedback, stars, text):
    with pytest.raises(BadFeedback):
        await feedback.give(ANNA, "C1", stars, text)


# -- fleets ----------------------------------------------------------------------------------------


@pytest.fixture
def clock():
    return ManualClock(NOW - DAY / 2)


@pytest.fixture
async def fleets(database, clock):
    past = Past(
        charged(1, NOW), charged(2, NOW), charged(3, NOW, token_uid="CARD-2", cost=Decimal("3"), currency="SEK"),
        charged(4, NOW, token_uid="OTHER"), charged(5, NOW + DAY), charged(6, NOW - DAY / 2),
    )  # fmt: skip
    made = Fleets(
        database, clock=clock, charges=past, tokens=Wallets("CARD-1", "CARD-2"),
        countries=COUNTRIES,
    )  # fmt: skip
    await made.make("FLEET-1", "Bakery", ANNA)
    await made.put("FLEET-1", Member(token_uid="card-1", vehicle="Van 1", cost_centre="North"))
    await made.put("FLEET-1", Member(token_uid="CARD-2", vehicle="=1+1", cost_centre="South"))
    return made


async def test_a_fleet_manager_sees_energy_cost_and_emissions_by_car_and_cost_centre(fleets):
    """GEM-FTR-1301, GEM-UC-1524."""
    report = await fleets.report("FLEET-1", NOW - DAY, NOW + DAY, manager=ANNA)

    assert [(each.member.vehicle, each.member.cost_centre, each.charges, each.currency) for each in report] == [
        ("=1+1", "South", 1, "SEK"), ("Van 1", "North", 2, "EUR"),
    ]  # fmt: skip
    assert [(each.kwh, each.cost, each.kg, each.unknown) for each in report] == [
        (20, 3, 5, 0), (40, Decimal("16.80"), 10, 0),
    ]  # fmt: skip


async def test_nobody_else_sees_a_fleet(fleets):
    for group, manager in (("FLEET-1", BEN), ("FLEET-2", ANNA)):
        with pytest.raises(NotYourFleet):
            await fleets.report(group, NOW - DAY, NOW + DAY, manager=manager)


async def test_nobodys_token_is_in_no_fleet(fleets):
    with pytest.raises(UnknownToken):
        await fleets.put("FLEET-1", Member(token_uid="CARD-9", vehicle="Van 9", cost_centre=""))

    assert [each.vehicle for each in await fleets.members("FLEET-1")] == ["=1+1", "Van 1"]


async def test_a_token_is_in_one_fleet_at_most(fleets):
    await fleets.make("FLEET-2", "Florist", BEN)
    card = Member(token_uid="CARD-1", vehicle="Car", cost_centre="")

    with pytest.raises(TokenTaken):
        await fleets.put("FLEET-2", card)
    with pytest.raises(NotYourFleet):
        await fleets.put("FLEET-3", card)
    assert await fleets.take_out("FLEET-1", "card-1")
    await fleets.put("FLEET-2", card)

    assert await fleets.members("FLEET-2", manager=BEN) == [card]


async def test_a_report_shows_what_was_charged_while_a_token_was_in_the_fleet_whatever_became_of_it_since(
    fleets, database, clock
):
    """GEM-UC-1524: a report of March is that of March; with its driver forgotten it has the sums and no car's name."""
    before = await fleets.report("FLEET-1", NOW - DAY, NOW + DAY, manager=ANNA)
    await clock.advance(DAY.total_seconds() / 2)
    await fleets.take_out("FLEET-1", "CARD-1")
    await clock.advance(DAY.total_seconds())

    again = await fleets.report("FLEET-1", NOW - DAY, NOW + 2 * DAY, manager=ANNA)
    await fleets.put("FLEET-1", Member(token_uid="CARD-1", vehicle="Van 1", cost_centre="North"))
    await clock.advance(DAY.total_seconds())
    back = await fleets.report("FLEET-1", NOW - DAY, NOW + 2 * DAY, manager=ANNA)
    await database.transact(lambda tx: tx.execute(
        "INSERT INTO emsp_token (id, driver_id, type, uid, uid_key, contract_id, label, state, reason, created_at,"
        " changed_at) VALUES ('1', $1, 'RFID', 'CARD-1', 'CARD-1', 'C', '', 'ACTIVE', '', 0, 0)", BEN,
    ))  # fmt: skip
    await database.transact(lambda tx: CompanionPrivacy(database, clock.now).forget(tx, BEN))
    forgotten = await fleets.report("FLEET-1", NOW - DAY, NOW + 2 * DAY, manager=ANNA)

    assert again == back == before
    assert [each.token_uid for each in await fleets.members("FLEET-1")] == ["CARD-2"]
    assert sorted((each.member.vehicle, each.kwh) for each in forgotten) == [("", 40), ("=1+1", 20)]


# -- what countries' electricity emits -------------------------------------------------------------


def test_the_mixes_of_countries_are_read_from_a_file(tmp_path):
    """X-68."""
    file = tmp_path / "mix.json"
    file.write_text('{"NLD": {"grams": 268.5, "label": "CBS, 2023"}}')

    assert read_countries(file) == {"NLD": CountryMix(grams=Decimal("268.5"), label="CBS, 2023")}


@pytest.mark.parametrize(
    "text", ["[]", "{", '{"NLD": 3}', '{"NL": {"grams": 1, "label": "x"}}', '{"NLD": {"grams": 1501, "label": "x"}}']
)
def test_a_file_of_mixes_that_cannot_be_true_is_refused(tmp_path, text):
    file = tmp_path / "mix.json"
    file.write_text(text)

    with pytest.raises(ValueError):
        read_countries(file)
