"""Finding a charger: around a point, in a box, along a route; wishes, prices, and why there is nothing."""

import datetime
import math
import random
from decimal import Decimal

import pytest

from hub.emsp.search.contracts import Contract
from hub.emsp.search.finding import Finder
from hub.emsp.search.geometry import Box, Point, distance
from hub.emsp.search.queries import Car, Query, Wishes
from hub.emsp.store import Store
from hub.ocpi import codec
from hub.ocpi.messages import Party
from tests.rooms import CPO, NOW, evse, location, tariff

HERE = Point(52.3731, 4.8922)
AT = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)
MSP = Party("NL", "MSP")


def connector(standard="IEC_62196_T2", power=11_000, **changes):
    direct = "COMBO" in standard or standard == "CHADEMO"
    return {
        "id": "1", "standard": standard, "format": "SOCKET", "power_type": "DC" if direct else "AC_3_PHASE",
        "max_voltage": 400, "max_amperage": 32, "max_electric_power": power, "tariff_ids": ["T1"], "last_updated": NOW,
    } | changes  # fmt: skip


def place(number, north=0.0, east=0.0, *, owner=CPO, connectors=None, status="AVAILABLE", **changes):
    """Return a Location of one EVSE, so many metres from here."""
    lat = HERE.lat + north / 111_195
    lon = HERE.lon + east / (111_195 * 0.6105)
    uid = f"E{number}"
    special = {name: changes.pop(name) for name in ("capabilities",) if name in changes}
    return location(
        id=f"L{number}", country_code=owner.country_code, party_id=owner.party_id,
        coordinates={"latitude": f"{lat:.6f}", "longitude": f"{lon:.6f}"},
        evses=[evse(uid, status=status, connectors=connectors or [connector()], **special)], **changes,
    )  # fmt: skip


@pytest.fixture
async def provider(database):
    made = Store(database, MSP)
    await made.index.open()
    return made


async def put(provider, *values):
    async def work(tx):
        for each in values:
            owner = Party.of(each["country_code"], each["party_id"])
            shelf = provider.tariffs if "elements" in each else provider.locations
            await shelf.put(tx, owner, each["id"], each)

    await provider.database.transact(work)


async def find(provider, **query):
    finder = Finder(provider, provider.index, clock=lambda: AT)
    return await finder.find(Query(**({"near": HERE} | query)))


def uids(answer):
    return [each.place.evse_uid for each in answer.found]


async def test_the_nearest_come_first_with_their_distance(provider):
    """RASD-R3, RASD-UC03, GEM-FTR-917."""
    await put(provider, place(1, 900), place(2, 100), place(3, 0, 5_000), place(4, 50_000))

    answer = await find(provider, limit=3)

    assert uids(answer) == ["E2", "E1", "E3"]
    assert [round(each.metres / 100) for each in answer.found] == [1, 9, 50]


async def test_the_nearest_are_those_a_look_at_every_place_finds(provider):
    rows = random.Random(7)
    await put(provider, *(place(number, rows.uniform(-9e3, 9e3), rows.uniform(-9e3, 9e3)) for number in range(300)))

    answer = await find(provider, limit=20)
    everything = await find(provider, limit=300)

    true = sorted(distance(HERE, each.place.point) for each in everything.found)
    assert len(everything.found) == 300
    assert [each.metres for each in answer.found] == pytest.approx(true[:20])


@pytest.mark.parametrize("seed", range(3))
async def test_the_nearest_are_found_where_a_city_is_dense_and_its_country_is_not(provider, seed):
    rows = random.Random(seed)
    away = [(10 ** rows.uniform(1, 4.9), rows.uniform(0, math.tau)) for _ in range(40)]
    spots = [(metres * math.cos(angle), metres * math.sin(angle)) for metres, angle in away]
    spots += [(20_000 + rows.gauss(0, 300), rows.gauss(0, 300)) for _ in range(40)]
    await put(provider, *(place(number, north, east) for number, (north, east) in enumerate(spots)))
    everything = await find(provider, limit=80)
    true = sorted(distance(HERE, each.place.point) for each in everything.found)

    for limit in (1, 5, 20, 45):
        answer = await find(provider, limit=limit)

        assert [each.metres for each in answer.found] == pytest.approx(true[:limit])


def coded(number, code, owner=CPO):
    """Return a Location whose EVSE has an EVSE-ID."""
    made = place(number, owner=owner)
    made["evses"][0]["evse_id"] = code
    return made


async def test_a_code_leads_to_the_evse_of_the_operator_it_names(provider):
    """Whoever tells of an EVSE under another's EVSE-ID gets none of his drivers."""
    rogue, other = Party("FR", "XYZ"), Party("DE", "ABC")
    await put(provider, coded(1, "NL*CPO*E1", rogue), coded(2, "NL*CPO*E1"), coded(3, "BE*OPS*E3", other))
    await put(provider, coded(4, "BE*OPS*E4", other), coded(5, "BE*OPS*E4", rogue))

    found = [await provider.index.of_code(code) for code in ("nlcpoe1", "BE*OPS*E3", "BE*OPS*E4", "XX*NOP*E1")]

    assert [each and (each.owner, each.evse_uid) for each in found] == [("NL-CPO", "E2"), ("DE-ABC", "E3"), None, None]


async def test_a_connector_of_absurd_power_is_kept_as_others(provider):
    absurd = connector(power=None, max_voltage=10**12, max_amperage=10**12)
    await put(provider, place(1, connectors=[absurd]), place(2, connectors=[connector(power=10**30)]), place(3))

    assert set(uids(await find(provider))) == {"E1", "E2", "E3"}


@pytest.mark.checklist("LO-13")
async def test_nothing_is_shown_that_is_not_for_everyones_eyes(provider):
    await put(provider, place(1, publish=False), place(2, status="REMOVED"), place(3, 10))

    assert uids(await find(provider)) == ["E3"]


WISHES = {
    "connector": (Wishes(standards=frozenset({"CHADEMO"})), {2}),
    "one of two connectors": (Wishes(standards=frozenset({"CHADEMO", "IEC_62196_T2"})), {1, 2, 3, 4, 5, 6, 7}),
    "power": (Wishes(least_power=50_000), {2}),
    "current": (Wishes(current="DC"), {2}),
    "available": (Wishes(available=True), {1, 2, 4, 5, 6, 7}),
    "operator": (Wishes(operators=frozenset({"FR-XYZ"})), {4}),
    "facility": (Wishes(facilities=frozenset({"CAFE"})), {5}),
    "two facilities": (Wishes(facilities=frozenset({"CAFE", "WIFI"})), {5}),
    "facility nobody has": (Wishes(facilities=frozenset({"MUSEUM"})), set()),
    "green": (Wishes(green=True), {6}),
    "reservable": (Wishes(reservable=True), {7}),
    "parking": (Wishes(parking=frozenset({"ON_STREET"})), {7}),
}


@pytest.mark.parametrize(("wishes", "numbers"), WISHES.values(), ids=WISHES)
async def test_what_is_wished_for_is_found_and_nothing_else(provider, wishes, numbers):
    """INCAR-UC003, GEM-UC-1527, GEM-FTR-969."""
    await put(
        provider,
        place(1, 10),
        place(2, 20, connectors=[connector("CHADEMO", 50_000)]),
        place(3, 30, status="CHARGING"),
        place(4, 40, owner=Party("FR", "XYZ")),
        place(5, 50, facilities=["CAFE", "WIFI"]),
        place(6, 60, energy_mix={"is_green_energy": True}),
        place(7, 70, capabilities=["RESERVABLE"], parking_type="ON_STREET"),
    )

    assert uids(await find(provider, wishes=wishes)) == [f"E{number}" for number in sorted(numbers)]


async def test_a_status_that_changes_is_seen_at_once(provider):
    await put(provider, place(1, 10), place(2, 20))
    free = Wishes(available=True)

    before = uids(await find(provider, wishes=free))
    await put(provider, place(1, 10, status="CHARGING"))
    after = uids(await find(provider, wishes=free))
    await put(provider, place(1, 10))

    assert (before, after) == (["E1", "E2"], ["E2"])
    assert uids(await find(provider, wishes=free)) == ["E1", "E2"]
    assert uids(await find(provider)) == ["E1", "E2"]


async def test_a_location_that_moves_or_goes_is_found_where_it_is(provider):
    await put(provider, place(1, 10))
    await put(provider, place(1, 50_000))
    moved = await find(provider, radius=1_000)

    await provider.database.transact(lambda tx: provider.locations.delete(tx, CPO, "L1"))

    assert moved.found == ()
    assert uids(await find(provider)) == []


async def test_in_a_box(provider):
    await put(provider, place(1, 100), place(2, 30_000))
    box = Box(HERE.lat - 0.01, HERE.lon - 0.01, HERE.lat + 0.01, HERE.lon + 0.01)

    assert uids(await find(provider, near=None, box=box)) == ["E1"]


async def test_along_a_route_in_the_order_they_are_passed(provider):
    """GEM-FTR-978: an area or along a route."""
    await put(provider, place(1, 40_000, 500), place(2, 5_000, -300), place(3, 20_000, 9_000), place(4, -4_000))
    route = [HERE, Point(HERE.lat + 0.25, HERE.lon), Point(HERE.lat + 0.5, HERE.lon)]

    answer = await find(provider, near=None, route=route, width=2_000)

    assert uids(answer) == ["E2", "E1"]
    assert [round(each.along / 1000) for each in answer.found] == [5, 40]


async def test_the_cheapest_for_this_car_and_this_much_energy(provider):
    """GEM-FTR-918: best price; the tariff engine prices it, FLAT and ENERGY alike."""
    dear = tariff(
        id="T2", elements=[{"price_components": [{"type": "ENERGY", "price": Decimal("0.9"), "step_size": 1}]}]
    )
    flat = tariff(id="T3", elements=[{"price_components": [{"type": "FLAT", "price": Decimal("8"), "step_size": 1}]}])
    await put(
        provider, tariff(), dear, flat, place(1, 10, connectors=[connector(tariff_ids=["T2"])]), place(2, 500),
        place(3, 900, connectors=[connector(tariff_ids=["T3"])]), place(4, 5, connectors=[connector(tariff_ids=[])]),
    )  # fmt: skip

    much = await find(provider, sort="price", car=Car(kwh=Decimal(40)))
    little = await find(provider, sort="price", car=Car(kwh=Decimal(5)))
    cheap = await find(provider, wishes=Wishes(greatest_price=Decimal(9)), car=Car(kwh=Decimal(40)))

    assert uids(much) == ["E3", "E2", "E1", "E4"]
    assert uids(little) == ["E2", "E1", "E3", "E4"]
    assert uids(cheap) == ["E3"]
    assert little.found[0].price.amount == Decimal("3.00")  # 5 kWh at 0.40 and 0.50, with 20 % VAT
    assert little.found[-1].price is None


def flat(name, price, currency):
    component = {"type": "FLAT", "price": Decimal(price), "step_size": 1}
    return tariff(id=name, currency=currency, elements=[{"price_components": [component]}])


@pytest.fixture
async def border(provider):
    """Prices in two currencies: 13, 9 EUR and 48, 30 SEK, and none."""
    prices = {"T1": ("13", "EUR"), "T2": ("48", "SEK"), "T3": ("9", "EUR"), "T4": ("30", "SEK")}
    spots = [place(number, number, connectors=[connector(tariff_ids=[f"T{number}"])]) for number in range(1, 6)]
    await put(provider, *(flat(name, *each) for name, each in prices.items()), *spots)


@pytest.mark.parametrize(
    ("query", "found", "currency"),
    [
        ({}, ["E3", "E1", "E4", "E2", "E5"], "EUR"),  # of the nearest
        ({"currency": "SEK"}, ["E4", "E2", "E3", "E1", "E5"], "SEK"),
        ({"wishes": Wishes(greatest_price=Decimal(10))}, ["E3", "E4", "E2"], "EUR"),
        ({"wishes": Wishes(least_price=Decimal(10))}, ["E1", "E4", "E2"], "EUR"),
        ({"wishes": Wishes(greatest_price=Decimal(40)), "currency": "SEK"}, ["E4", "E3", "E1"], "SEK"),
    ],
)
async def test_prices_are_compared_within_one_currency(provider, border, query, found, currency):
    """GEM-FTR-918: what cannot be compared comes after, and is not left out."""
    answer = await find(provider, sort="price", **query)

    assert (uids(answer), answer.currency) == (found, currency)


CONTRACTS = {
    "of everybody": (Contract(), {1, 2, 3}),
    "not with one CPO": (Contract(named=frozenset({"NL-CPO"})), {2, 3}),
    "with one CPO only": (Contract(others=False, named=frozenset({"NL-CPO"})), {1}),
    "with nobody": (Contract(others=False), set()),
    "of a country": (Contract(countries=frozenset({"FRA"})), {2}),
    "of Locations": (Contract(locations=frozenset({"FR-XYZ/L3"}), countries=frozenset({"FRA"})), {3}),
    "of a country, not with its CPO": (Contract(countries=frozenset({"FRA"}), named=frozenset({"FR-XYZ"})), set()),
}


@pytest.mark.parametrize(("contract", "numbers"), CONTRACTS.values(), ids=CONTRACTS)
async def test_what_a_contract_accepts_is_found_by_it_and_marked_without(provider, contract, numbers):
    """X-41, X-43: the index and the mark are one rule."""
    other = Party("FR", "XYZ")
    await put(provider, place(1), place(2, owner=other, country="FRA"), place(3, owner=other))

    everything = await find(provider, contract=contract)
    accepted = await find(provider, contract=contract, wishes=Wishes(accepted=contract))

    assert uids(accepted) == [f"E{number}" for number in sorted(numbers)]
    assert [each.place.evse_uid for each in everything.found if each.accepted] == uids(accepted)
    assert len(everything.found) == 3


async def test_a_tariff_that_changes_is_the_price_of_the_next_search(provider):
    await put(provider, tariff(), place(1, 10))
    before = (await find(provider)).found[0].price.amount

    dearer = {"type": "ENERGY", "price": Decimal("0.9"), "step_size": 1}
    await put(provider, tariff(elements=[{"price_components": [dearer]}]))

    assert (await find(provider)).found[0].price.amount > before


async def test_tariffs_are_had_by_owner_and_id_with_one_question(provider):
    await put(provider, *(tariff(id=f"T{number}") for number in range(5)))
    asked = [(str(CPO), f"T{number}") for number in (0, 3, 4, 7)] + [("FR-XYZ", "T1")]

    found = await provider.tariffs.texts(asked)

    assert {address: codec.decode(text)["id"] for address, text in found.items()} == {
        (str(CPO), name): name for name in ("T0", "T3", "T4")
    }
    assert await provider.tariffs.texts([]) == {}


async def test_who_is_done_first_comes_first_by_arrival(provider):
    fast = [connector("IEC_62196_T2_COMBO", 150_000)]
    await put(provider, place(1, 100), place(2, 3_000, connectors=fast))

    assert uids(await find(provider, sort="arrival")) == ["E2", "E1"]
    assert uids(await find(provider)) == ["E1", "E2"]


async def test_free_at_a_given_time_as_far_as_its_cpo_offers_it(provider):
    await put(provider, place(1, 10), place(2, 20), place(3, 30, status="CHARGING"))
    offer = {
        "country_code": "NL", "party_id": "CPO", "id": "BL2", "location_id": "l2", "booking_option": {"evse_uid": "e2"},
        "calendars": [{"id": "C", "begin_from": NOW, "end_before": NOW, "last_updated": NOW, "available_timeslots": [
            {"start_date_time": "2026-01-01T18:00:00Z", "end_date_time": "2026-01-01T20:00:00Z"},
        ]}],
        "last_updated": NOW,
    }  # fmt: skip
    await provider.database.transact(lambda tx: provider.booking_locations.put(tx, CPO, "BL2", offer))

    at = datetime.datetime(2026, 1, 1, 19, tzinfo=datetime.UTC)
    free = await find(provider, wishes=Wishes(free_at=at))
    later = await find(provider, wishes=Wishes(free_at=at + datetime.timedelta(hours=1)))

    # Of the others nobody says; what is free now and promised to nobody may be so then.
    assert [(each.place.evse_uid, each.bookable) for each in free.found] == [("E1", False), ("E2", True)]
    assert [(each.place.evse_uid, each.bookable) for each in later.found] == [("E1", False)]


async def test_an_empty_answer_says_which_wish_to_give_up(provider):
    """X-62, X-94: an empty list and its reasons, never an error."""
    await put(provider, place(1, 4_000, connectors=[connector("CHADEMO", 50_000)]), place(2, 300))

    answer = await find(provider, wishes=Wishes(standards=frozenset({"CHADEMO"}), least_power=100_000))

    assert answer.found == ()
    assert blamed(answer) == [(("least_power",), 4)]


def blamed(answer):
    return [(each.wishes, each.metres and round(each.metres / 1000)) for each in answer.reasons]


async def test_an_empty_answer_says_that_what_there_is_lies_outside_the_area(provider):
    """X-62: with all that is wished for, and how far off; or that nothing whatever is there."""
    await put(provider, place(1, 4_000), place(2, 300, status="CHARGING"))
    free, box = Wishes(available=True), Box(HERE.lat, HERE.lon, HERE.lat + 0.01, HERE.lon + 0.01)

    beyond = await find(provider, radius=1_000, wishes=free)
    boxed = await find(provider, near=None, box=box, wishes=free)
    beside = await find(
        provider, near=None, route=[Point(HERE.lat, HERE.lon + 0.1), Point(HERE.lat, HERE.lon + 0.2)], wishes=free
    )
    nowhere = [await find(provider, near=Point(0, 0), **rest) for rest in ({"radius": 1_000}, {"wishes": free})]

    assert blamed(beyond) == [(("available",), 0), (("radius",), 4)]
    assert [wishes for wishes, _ in blamed(boxed)] == [("available",), ("box",)]
    assert blamed(beside) == [(("width",), 8)]
    assert [blamed(each) for each in nowhere] == [[(("radius",), None)]] * 2


async def test_wishes_that_leave_nothing_only_together_are_named_together(provider):
    """X-62: and none of them in vain."""
    await put(provider, place(1, 4_000, connectors=[connector("CHADEMO", 50_000)], status="CHARGING"), place(2, 300))
    wishes = Wishes(standards=frozenset({"CHADEMO"}), available=True, least_power=100_000)

    assert blamed(await find(provider, wishes=wishes)) == [(("least_power", "available"), 4)]


async def test_an_unknown_connector_is_found_among_unknown_ones(provider):
    await put(provider, place(1, connectors=[connector("NEW_PLUG")]))

    assert uids(await find(provider, wishes=Wishes(standards=frozenset({"NEW_PLUG"})))) == ["E1"]


async def test_the_index_can_be_built_anew_from_the_shelf(provider):
    await put(provider, place(1, 10), place(2, 20))

    await provider.index.rebuild(await provider.locations.all())

    assert uids(await find(provider)) == ["E1", "E2"]
    assert uids(await find(provider, wishes=Wishes(available=True))) == ["E1", "E2"]
