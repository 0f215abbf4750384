"""Tariffs made by hand: versions, places, previews and special offers, and what eMSPs hear of them."""

import datetime
from decimal import Decimal

import pytest

from hub.cpms import cdrs
from hub.cpms.crediting import Crediting
from hub.cpms.ports import Authorization, OpenReservation, Outlet, SessionEnded, SessionStarted, SessionUpdated
from hub.cpms.sites import Sites
from hub.cpms.store import Reservation
from hub.cpms.tariffs.offers import Offer
from hub.cpms.tariffs.places import Target
from hub.cpms.tariffs.previewing import Charge, preview
from hub.cpms.zones import zone_of
from hub.ocpi.errors import InvalidParameters
from hub.ocpi.messages import Party
from hub.ocpi.modules import cdrs as cdr_module
from hub.ocpi.modules import locations, tariffs
from hub.ocpi.pricing import Outcome
from hub.ocpi.receiving import NoSuchObject
from tests.rooms import CPO, EMSP, HUB, ask, evse, location, tariff, token

HOUR = datetime.timedelta(hours=1)
NOON = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)
LOC1, EVSE1 = Target(location_id="LOC1"), Target(location_id="LOC1", evse_uid="EVSE1")
OUTLET = Outlet(location_id="LOC1", evse_uid="EVSE1", connector_id="1")


def kwh(price, **changes):
    said = tariff(
        elements=[{"price_components": [{"type": "ENERGY", "price": Decimal(price), "step_size": 1}]}], **changes
    )
    return {name: said[name] for name in said if name not in ("country_code", "party_id", "last_updated")}


@pytest.fixture
async def room(cpms):
    """The room of a CPO whose two EVSEs have no Tariff by hand."""
    bare = [evse("EVSE1"), evse("EVSE2")]
    for each in bare:
        del each["connectors"][0]["tariff_ids"]
    await cpms.orders()["cpms.import"]({"kind": "locations", "objects": [location(evses=bare)]})
    await cpms.owed.settled()
    cpms.hub.asked.clear()
    return cpms.tariffs


async def named(room):
    """Return what the Connectors of the Location name, by EVSE."""
    found = await room.store.locations.get(CPO, "LOC1")
    return {each["uid"]: each["connectors"][0].get("tariff_ids") or [] for each in found["evses"]}


async def heard(cpms):
    await cpms.owed.settled()
    told = [
        (str(each.operation), each.params.get("tariff_id") or each.params.get("evse_uid")) for each in cpms.hub.asked
    ]
    cpms.hub.asked.clear()
    return told


# -- making ----------------------------------------------------------------------------------------


async def test_a_new_tariff_is_told_to_everyone(cpms, room):
    """DD-R8, DD-R7."""
    made = await room.tariffs.create(kwh("0.30", id="DAY"), made_by="ann")

    [put] = [each for each in (await told(cpms)) if each.operation is tariffs.put_tariff]
    assert (made["country_code"], made["party_id"], made["id"]) == ("NL", "CPO", "DAY")
    assert put.params["tariff_id"] == "DAY"
    assert put.value["elements"] == made["elements"]
    with pytest.raises(InvalidParameters, match="there is a Tariff day already"):
        await room.tariffs.create(kwh("0.30", id="day"))


async def told(cpms):
    await cpms.owed.settled()
    return list(cpms.hub.asked)


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"currency": "EURO"}, r"\$.currency"),
        ({"elements": []}, r"\$.elements"),
        (
            {"elements": [{"price_components": [{"type": "ENERGY", "price": "x", "step_size": 1}]}]},
            r"price_components\[0\]",
        ),
    ],
)
async def test_what_is_no_tariff_is_refused_with_its_path_and_leaves_nothing(cpms, room, changes, path):
    with pytest.raises(InvalidParameters, match=path):
        await room.tariffs.create(kwh("0.30", id="DAY") | changes)

    assert await room.tariffs.versions("DAY") == []
    assert await heard(cpms) == []


async def test_every_version_is_kept_with_when_it_applied(room, clock):
    """DD-R8; decision 0021."""
    first = clock.now()
    await room.tariffs.create(kwh("0.30", id="DAY"), made_by="ann", note="new year")
    await clock.advance(3600)
    await room.change("DAY", kwh("0.35"), made_by="bob", note="dearer")

    versions = await room.tariffs.versions("day")

    assert [(each.version, each.made_by, each.note) for each in versions] == [
        (1, "ann", "new year"),
        (2, "bob", "dearer"),
    ]
    assert [each.applies_from for each in versions] == [first, first + HOUR]
    assert [each.applies_until for each in versions] == [first + HOUR, None]
    assert (await room.tariffs.version_at("DAY", first + HOUR / 2)).version == 1
    assert (await room.tariffs.version_at("DAY", first + HOUR)).version == 2
    assert await room.tariffs.version_at("DAY", first - HOUR) is None
    assert (await room.tariffs.get("DAY")).tariff["last_updated"] == "2026-01-01T13:00:00.000Z"


async def test_a_tariff_that_was_imported_keeps_what_it_was_when_it_is_changed(room):
    await room.change("T1", kwh("0.45"))

    versions = await room.tariffs.versions("T1")

    assert [each.note for each in versions] == ["imported", ""]
    assert versions[0].tariff["elements"] == tariff()["elements"]


async def test_a_removed_tariff_leaves_its_places_first_and_is_deleted_everywhere(cpms, room):
    """mod_tariffs, DELETE; errata E-45."""
    await room.tariffs.create(kwh("0.30", id="DAY"))
    await room.tariffs.assign("DAY", [LOC1])
    await heard(cpms)

    await room.tariffs.remove("DAY")

    assert await named(room) == {"EVSE1": [], "EVSE2": []}
    assert sorted(await heard(cpms)) == sorted(
        [
            (str(tariffs.delete_tariff), "DAY"),
            (str(locations.patch_evse), "EVSE1"),
            (str(locations.patch_evse), "EVSE2"),
        ]
    )
    assert [each.version for each in await room.tariffs.versions("DAY")] == [1]
    with pytest.raises(NoSuchObject):
        await room.tariffs.get("DAY")


@pytest.mark.parametrize("by", ["import", "operator"])
async def test_an_evse_that_a_location_gets_later_has_the_tariffs_assigned_to_that(cpms, room, by):
    await room.tariffs.create(kwh("0.30", id="DAY"))
    await room.places.put_group("CENTRE", [LOC1], at=NOON)
    await room.tariffs.assign("DAY", [Target(group_id="CENTRE")])
    value = await room.store.locations.get(CPO, "LOC1")
    late = evse("EVSE3")
    late["connectors"][0]["tariff_ids"] = ["BY-HAND"]

    if by == "import":
        changed = value | {"evses": [*value["evses"], late]}
        await cpms.orders()["cpms.import"]({"kind": "locations", "objects": [changed]})
    else:
        await Sites(room.store).change("LOC1", {"evses": [late], **{n: v for n, v in value.items() if n != "evses"}})

    assert (await named(room))["EVSE3"] == ["BY-HAND", "DAY"]


async def test_a_tariff_may_come_again_after_it_was_removed(cpms, room):
    await room.tariffs.create(kwh("0.30", id="DAY"))
    await room.tariffs.remove("DAY")

    await room.tariffs.create(kwh("0.40", id="DAY"))

    assert (await heard(cpms))[-1] == (str(tariffs.put_tariff), "DAY")
    assert [each.version for each in await room.tariffs.versions("DAY")] == [1, 2]


# -- places ----------------------------------------------------------------------------------------


async def test_connectors_name_what_is_assigned_to_their_location(cpms, room):
    """RASD-R24, DD-R7: Location PATCH with tariff_ids."""
    await room.tariffs.create(kwh("0.30", id="DAY"))
    await heard(cpms)

    await room.tariffs.assign("DAY", [LOC1])

    assert await named(room) == {"EVSE1": ["DAY"], "EVSE2": ["DAY"]}
    assert await heard(cpms) == [(str(locations.patch_evse), "EVSE1"), (str(locations.patch_evse), "EVSE2")]
    await room.tariffs.assign("DAY", [LOC1])
    assert await heard(cpms) == []


async def test_the_closest_assignment_of_a_type_counts(room):
    await room.tariffs.create(kwh("0.30", id="ALL"))
    await room.tariffs.create(kwh("0.20", id="ONE"))
    await room.tariffs.create(kwh("0.10", id="GUEST", type="AD_HOC_PAYMENT"))

    await room.tariffs.assign("ONE", [EVSE1])
    await room.tariffs.assign("ALL", [LOC1])
    await room.tariffs.assign("GUEST", [Target(location_id="LOC1", evse_uid="EVSE2", connector_id="1")])

    assert await named(room) == {"EVSE1": ["ONE"], "EVSE2": ["ALL", "GUEST"]}


async def test_what_was_put_at_a_connector_by_hand_stays(cpms, room):
    await cpms.orders()["cpms.import"]({"kind": "locations", "objects": [location()]})
    await room.tariffs.create(kwh("0.10", id="GUEST", type="AD_HOC_PAYMENT"))

    await room.tariffs.assign("GUEST", [LOC1])
    assert await named(room) == {"EVSE1": ["T1", "GUEST"]}
    await room.tariffs.assign("GUEST", [])
    assert await named(room) == {"EVSE1": ["T1"]}


async def test_a_group_of_stations_gets_its_prices_together(room, clock):
    await room.places.put_group("City", [EVSE1], at=clock.now())
    await room.tariffs.create(kwh("0.30", id="DAY"))

    await room.tariffs.assign("DAY", [Target(group_id="city")])
    assert await named(room) == {"EVSE1": ["DAY"], "EVSE2": []}
    await room.places.put_group("CITY", [Target(location_id="LOC1", evse_uid="EVSE2")], at=clock.now())
    assert await named(room) == {"EVSE1": [], "EVSE2": ["DAY"]}


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (Target(location_id="NONE"), r"\$.targets\[0\].location_id"),
        (Target(location_id="LOC1", evse_uid="NONE"), r"\$.targets\[0\].evse_uid"),
        (Target(location_id="LOC1", evse_uid="EVSE1", connector_id="9"), r"\$.targets\[0\].connector_id"),
        (Target(group_id="NONE"), r"\$.targets\[0\].group_id"),
    ],
)
async def test_a_place_that_is_not_there_is_refused(room, target, path):
    await room.tariffs.create(kwh("0.30", id="DAY"))

    with pytest.raises(InvalidParameters, match=path):
        await room.tariffs.assign("DAY", [target])

    assert await room.places.of("DAY") == []


@pytest.mark.parametrize("said", [{}, {"group_id": "G", "location_id": "L"}, {"location_id": "L", "connector_id": "1"}])
def test_a_target_names_one_place(said):
    with pytest.raises(InvalidParameters, match="names a group, or a Location"):
        Target(**said)


# -- per eMSP --------------------------------------------------------------------------------------


async def charged(cpms, clock, *, provider=EMSP, session_id="S1", kind="RFID"):
    """Have a driver charge 10 kWh in half an hour, and return the CDR."""
    card = token(country_code=provider.country_code, party_id=provider.party_id, type=kind)
    start = clock.now()
    leave = Authorization(token=card, method="WHITELIST")
    await cpms.desk.tell(SessionStarted(session_id=session_id, outlet=OUTLET, authorization=leave, at=start))
    await cpms.desk.tell(SessionEnded(session_id=session_id, kwh=10, at=start + HOUR / 2))
    return await cpms.store.cdrs.get(CPO, session_id)


async def test_a_tariff_for_one_emsp_is_told_to_it_alone_and_counts_for_its_drivers(cpms, room, clock):
    """RASD-R24: per-eMSP prices."""
    await room.tariffs.create(kwh("0.50", id="ALL"))
    await room.tariffs.create(kwh("0.30", id="PARTNER"), provider=EMSP)
    for each in ("ALL", "PARTNER"):
        await room.tariffs.assign(each, [LOC1])

    receivers = {
        each.params["tariff_id"]: str(each.receiver) for each in await told(cpms) if "tariff_id" in each.params
    }
    own = await charged(cpms, clock)
    other = await charged(cpms, clock, provider=Party("FR", "OTH"), session_id="S2")

    assert receivers == {"ALL": "NL-HUB", "PARTNER": "DE-EMP"}
    assert await named(room) == {"EVSE1": ["ALL"], "EVSE2": ["ALL"]}
    assert (own["total_cost"]["before_taxes"], own["tariffs"][0]["id"]) == (3, "PARTNER")
    assert (other["total_cost"]["before_taxes"], other["tariffs"][0]["id"]) == (5, "ALL")


@pytest.mark.parametrize(
    ("asker", "seen"), [(EMSP, ["ALL", "PARTNER"]), (Party("FR", "OTH"), ["ALL"]), (HUB, ["ALL"]), (None, ["ALL"])]
)
async def test_a_tariff_for_one_emsp_is_seen_by_no_other(cpms, room, asker, seen):
    """What the hub pulls it shows to everyone."""
    await room.tariffs.create(kwh("0.50", id="ALL"))
    await room.tariffs.create(kwh("0.30", id="PARTNER"), provider=EMSP)

    listed = (await cpms(ask(tariffs.list_tariffs, sender=asker))).value

    assert [each["id"] for each in listed if each["id"] in ("ALL", "PARTNER")] == seen


async def test_an_ad_hoc_driver_pays_the_ad_hoc_price(cpms, room, clock):
    await room.tariffs.create(kwh("0.50", id="ALL"))
    await room.tariffs.create(kwh("0.80", id="GUEST", type="AD_HOC_PAYMENT"))
    for each in ("ALL", "GUEST"):
        await room.tariffs.assign(each, [LOC1])

    assert (await charged(cpms, clock))["total_cost"]["before_taxes"] == 5
    assert (await charged(cpms, clock, session_id="S2", kind="AD_HOC_USER"))["total_cost"]["before_taxes"] == 8


async def test_a_session_keeps_the_tariff_it_began_with(cpms, room, clock):
    """mod_tariffs, note on start_date_time; mod_cdrs: as they were at the start."""
    await room.tariffs.create(kwh("0.50", id="ALL"))
    await room.tariffs.assign("ALL", [LOC1])
    leave = Authorization(token=token(), method="WHITELIST")
    await cpms.desk.tell(SessionStarted(session_id="S1", outlet=OUTLET, authorization=leave, at=clock.now()))

    await room.change("ALL", kwh("9.00"))
    await cpms.desk.tell(SessionEnded(session_id="S1", kwh=10, at=clock.now() + HOUR))

    assert (await cpms.store.cdrs.get(CPO, "S1"))["total_cost"]["before_taxes"] == 5


async def test_a_driver_who_chooses_cheap_pays_the_cheap_price_from_then_on(cpms, room, clock):
    """mod_sessions, ChargingPreferences; mod_tariffs, TariffType."""
    await room.tariffs.create(kwh("0.50", id="ALL", type="REGULAR"))
    await room.tariffs.create(kwh("0.20", id="CHEAP", type="PROFILE_CHEAP"))
    for each in ("ALL", "CHEAP"):
        await room.tariffs.assign(each, [LOC1])
    leave, start = Authorization(token=token(), method="WHITELIST"), clock.now()
    await cpms.desk.tell(SessionStarted(session_id="S1", outlet=OUTLET, authorization=leave, at=start))
    await cpms.desk.tell(SessionUpdated(session_id="S1", kwh=10, at=start + HOUR))

    await cpms.desk.seals.prefer("S1", "CHEAP", start + HOUR)
    await cpms.desk.seals.prefer("NONE", "CHEAP", start + HOUR)
    await cpms.desk.tell(SessionEnded(session_id="S1", kwh=20, at=start + 2 * HOUR))

    cdr = await cpms.store.cdrs.get(CPO, "S1")
    assert [each["tariff_id"] for each in cdr["charging_periods"]] == ["ALL", "CHEAP"]
    assert cdr["total_cost"]["before_taxes"] == 7


RESERVED = {
    "elements": [
        {
            "price_components": [{"type": "TIME", "price": 4, "step_size": 1}],
            "restrictions": {"reservation": "RESERVATION"},
        },
        {
            "price_components": [{"type": "FLAT", "price": 3, "step_size": 1}],
            "restrictions": {"reservation": "RESERVATION_EXPIRES"},
        },
    ]
}


@pytest.mark.parametrize(("outcome", "cost"), [(Outcome.EXPIRED, 5), (Outcome.CANCELED, 2), (None, None)])
async def test_a_reservation_that_was_not_used_is_billed_by_what_became_of_it(cpms, room, clock, outcome, cost):
    """Half an hour at 4.00, and 3.00 for letting it expire; what the operator canceled costs nothing."""
    await room.tariffs.create(kwh("0.50", id="ALL") | RESERVED)
    await room.tariffs.assign("ALL", [LOC1])
    leave, start = Authorization(token=token(), method="COMMAND"), clock.now()
    taken = OpenReservation(reservation_id="S1", outlet=OUTLET, authorization=leave, expires_at=start + HOUR)
    kept = Reservation("S1", EMSP, "R1", "LOC1", "https://emp.test/result", start + HOUR)
    await cpms.desk.open_reservation(kept, taken)

    assert await cpms.desk.close_reservation("S1", "EXPIRED", start + HOUR / 2, outcome)
    assert not await cpms.desk.close_reservation("S1", "EXPIRED", start + HOUR, outcome)

    cdr = await cpms.store.cdrs.get(CPO, "S1")
    assert (cdr and cdr["total_cost"]["before_taxes"]) == cost
    session = await cpms.store.sessions.get(CPO, "S1")
    assert (session["status"], session["charging_periods"][0]["dimensions"][0]["type"]) == (
        "COMPLETED",
        "RESERVATION_TIME",
    )


async def test_a_reservation_that_is_used_is_part_of_the_sessions_bill(cpms, room, clock):
    await room.tariffs.create(kwh("0.50", id="ALL") | {"elements": [RESERVED["elements"][0], *kwh("0.50")["elements"]]})
    await room.tariffs.assign("ALL", [LOC1])
    leave, start = Authorization(token=token(), method="COMMAND"), clock.now()
    taken = OpenReservation(reservation_id="S1", outlet=OUTLET, authorization=leave, expires_at=start + HOUR)
    await cpms.desk.open_reservation(Reservation("S1", EMSP, "R1", "LOC1", "https://emp.test/r", start + HOUR), taken)

    await cpms.desk.tell(SessionStarted(session_id="S1", outlet=OUTLET, authorization=leave, at=start + HOUR / 2))
    await cpms.desk.tell(SessionEnded(session_id="S1", kwh=10, at=start + HOUR))

    cdr = await cpms.store.cdrs.get(CPO, "S1")
    assert (cdr["total_reservation_cost"]["before_taxes"], cdr["total_cost"]["before_taxes"]) == (2, 7)
    assert cdr["start_date_time"] == "2026-01-01T12:00:00.000Z"


def test_a_time_zone_nobody_knows_is_utc_so_that_a_session_is_billed_all_the_same():
    assert zone_of("Mars/Base") is datetime.UTC
    assert str(zone_of("Europe/Amsterdam")) == "Europe/Amsterdam"


# -- special offers --------------------------------------------------------------------------------


def offer(clock, *, hours=1, **changes):
    begins = clock.now() + HOUR
    said = {
        "name": "Happy hour",
        "begins": begins,
        "ends": begins + hours * HOUR,
        "targets": (EVSE1,),
        "percent": Decimal(20),
    }
    return Offer(**(said | changes))


@pytest.fixture
async def priced(room):
    await room.tariffs.create(kwh("0.50", id="ALL"))
    await room.tariffs.assign("ALL", [LOC1])
    return room


async def test_an_offer_is_told_ahead_counts_while_it_lasts_and_is_gone_afterwards(cpms, priced, clock):
    """RASD-R23, RASD-R31, RASD-F22."""
    await heard(cpms)
    made = await priced.offers.create(offer(clock))
    [(_, cheaper_id)] = await heard(cpms)
    cheaper = (await priced.tariffs.get(cheaper_id)).tariff

    assert (cheaper["start_date_time"], cheaper["end_date_time"]) == (
        "2026-01-01T13:00:00.000Z",
        "2026-01-01T14:00:00.000Z",
    )
    assert cheaper["elements"][0]["price_components"][0]["price"] == Decimal("0.4")
    assert await named(priced) == {"EVSE1": ["ALL"], "EVSE2": ["ALL"]}

    await clock.advance(3600)
    assert await priced.offers.turn() == made.ends
    assert await named(priced) == {"EVSE1": [cheaper_id], "EVSE2": ["ALL"]}
    assert (await priced.offers.get(made.id)).state == "RUNNING"
    assert await heard(cpms) == [(str(locations.patch_evse), "EVSE1")]

    await clock.advance(3600)
    assert await priced.offers.turn() is None
    assert await named(priced) == {"EVSE1": ["ALL"], "EVSE2": ["ALL"]}
    assert (await priced.offers.get(made.id)).state == "ENDED"
    assert sorted(await heard(cpms)) == sorted(
        [(str(tariffs.delete_tariff), cheaper_id), (str(locations.patch_evse), "EVSE1")]
    )


async def test_an_offer_counts_to_the_second_even_if_the_connectors_say_it_late(cpms, priced, clock):
    await priced.offers.create(offer(clock))

    before = await charged(cpms, clock, session_id="S1")
    await clock.advance(3600)
    during = await charged(cpms, clock, session_id="S2")
    await clock.advance(3600)
    after = await charged(cpms, clock, session_id="S3")

    assert [each["total_cost"]["before_taxes"] for each in (before, during, after)] == [5, 4, 5]


async def test_an_offer_may_take_an_amount_off_every_kwh(priced, clock):
    made = await priced.offers.create(offer(clock, percent=None, per_kwh=Decimal("0.60")))

    [cheaper] = [each for each in await priced.store.tariffs.all() if each["id"].startswith(f"ALL-{made.id}")]

    assert cheaper["elements"][0]["price_components"][0]["price"] == 0


async def test_an_offer_follows_the_tariff_it_came_from(priced, clock):
    made = await priced.offers.create(offer(clock))

    await priced.change("ALL", kwh("1.00"))

    [cheaper] = [each for each in await priced.store.tariffs.all() if each["id"].startswith(f"ALL-{made.id}")]
    assert cheaper["elements"][0]["price_components"][0]["price"] == Decimal("0.8")
    with pytest.raises(InvalidParameters, match="belongs to a special offer"):
        await priced.change(cheaper["id"], kwh("0.01"))


async def test_an_offer_can_be_canceled_once(priced, clock):
    made = await priced.offers.create(offer(clock))
    await clock.advance(3600)
    await priced.offers.turn()

    canceled = await priced.offers.cancel(made.id)

    assert canceled.state == "CANCELED"
    assert await named(priced) == {"EVSE1": ["ALL"], "EVSE2": ["ALL"]}
    with pytest.raises(InvalidParameters, match="the offer is CANCELED"):
        await priced.offers.cancel(made.id)


async def test_an_offer_that_passed_while_we_were_away_ends_without_having_begun(priced, clock):
    made = await priced.offers.create(offer(clock))
    await clock.advance(3 * 3600)

    await priced.offers.turn()

    assert (await priced.offers.get(made.id)).state == "ENDED"
    assert await named(priced) == {"EVSE1": ["ALL"], "EVSE2": ["ALL"]}


async def test_an_offer_for_a_group_is_for_its_stations(priced, clock):
    await priced.places.put_group("CITY", [EVSE1], at=clock.now())
    await priced.offers.create(offer(clock, targets=(Target(group_id="CITY"),)))
    await clock.advance(3600)
    await priced.offers.turn()

    names = await named(priced)

    assert names["EVSE1"] != ["ALL"]
    assert names["EVSE2"] == ["ALL"]


async def test_an_offer_that_gives_nothing_is_refused(priced, clock):
    start = clock.now()
    for changes, rule in (
        ({"percent": None}, "either percent or per_kwh"),
        ({"per_kwh": Decimal(1)}, "either percent or per_kwh"),
        ({"percent": Decimal(0)}, "more than 0"),
        ({"percent": None, "per_kwh": Decimal(0)}, "more than 0"),
        ({"ends": start}, "is not after begins"),
        ({"begins": start - 2 * HOUR, "ends": start - HOUR}, "is over"),
    ):
        with pytest.raises(InvalidParameters, match=rule):
            await priced.offers.create(offer(clock, **changes))

    assert await priced.offers.all() == []


async def test_an_offer_where_nothing_has_a_price_is_refused(room, clock):
    with pytest.raises(InvalidParameters, match="no Tariff is assigned there"):
        await room.offers.create(offer(clock))

    assert await room.offers.all() == []


# -- previews --------------------------------------------------------------------------------------


def test_a_preview_tells_the_price_of_a_charge_and_why():
    """DD-R8: 15 min reserved at 6.00 per hour, 10 kWh at 0.40, and parking for nothing."""
    said = tariff(
        elements=[
            {
                "price_components": [{"type": "TIME", "price": 6, "step_size": 1}],
                "restrictions": {"reservation": "RESERVATION"},
            },
            {"price_components": [{"type": "ENERGY", "price": Decimal("0.4"), "step_size": 1}]},
        ]
    )
    charge = Charge(
        start=datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC), kwh=Decimal(10), minutes=Decimal(60),
        parking=Decimal(20), reserved=Decimal(15), power=Decimal(11), current=Decimal(16), time_zone="Europe/Amsterdam",
    )  # fmt: skip

    bill = preview(said, charge).as_json()

    assert bill["total_cost"] == {"before_taxes": Decimal("5.50")}
    assert [line["rule"] for line in bill["lines"]] == [
        "0.25 h TIME of the reservation at 6/h; elements[0].price_components[0] of Tariff T1",
        "10 kWh ENERGY of the charging session at 0.4/kWh; elements[1].price_components[0] of Tariff T1",
    ]


def test_a_preview_needs_a_time_zone_that_is_known():
    charge = Charge(
        start=datetime.datetime.now(datetime.UTC), kwh=Decimal(1), minutes=Decimal(1), time_zone="Mars/Base"
    )

    with pytest.raises(InvalidParameters, match=r"\$.time_zone: Mars/Base"):
        preview(tariff(), charge)


# -- wrong CDRs ------------------------------------------------------------------------------------


async def test_a_wrong_cdr_is_credited_and_corrected_and_both_are_told(cpms, priced, clock):
    """X-72."""
    await charged(cpms, clock)
    crediting = Crediting(cpms.store, clock=clock.now)

    credit, right = await crediting.correct("S1", {"remark": "the meter ran backwards"})

    posts = [each.value["id"] for each in await told(cpms) if each.operation is cdr_module.post_cdr]
    assert posts == ["S1", "S1" + cdrs.CREDIT, right["id"]]
    assert credit["total_cost"]["before_taxes"] == -5
    assert (right["remark"], right["session_id"]) == ("the meter ran backwards", "S1")
    assert await crediting.credit("S1") == credit
    with pytest.raises(InvalidParameters, match="was taken back before"):
        await crediting.correct("S1", {})


async def test_a_correction_cannot_change_whose_a_cdr_is(cpms, priced, clock):
    await charged(cpms, clock)
    crediting = Crediting(cpms.store, clock=clock.now)

    for changes, rule in (
        ({"id": "S9"}, r"\$.id: is not changed"),
        ({"total_energy": "x"}, r"\$.total_energy"),
    ):
        with pytest.raises(InvalidParameters, match=rule):
            await crediting.correct("S1", changes)
    await crediting.credit("S1")
    with pytest.raises(InvalidParameters, match="is a Credit CDR itself"):
        await crediting.credit("S1-C")
    with pytest.raises(NoSuchObject):
        await crediting.credit("S7")
    assert [each["id"] for each in await cpms.store.cdrs.all()] == ["S1", "S1-C"]
