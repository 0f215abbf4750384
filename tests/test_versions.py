"""Every object says the same in every version, as far as the version can say it."""

import copy
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.ocpi import codec
from hub.ocpi.interfaces import REGISTRY
from hub.ocpi.messages import Party
from hub.ocpi.modules.cdrs import CDR
from hub.ocpi.modules.credentials import Credentials
from hub.ocpi.modules.hubclientinfo import ClientInfo
from hub.ocpi.modules.locations import EVSE, Connector, EnergyMix, Image, Location
from hub.ocpi.modules.sessions import Session
from hub.ocpi.modules.tariffs import Tariff
from hub.ocpi.modules.tokens import Token
from hub.ocpi.objects import JSON, JSONObject
from hub.ocpi.versions import V2_2_1, V2_3_0, VERSIONS, Version
from hub.ocpi.versions.steps import LOSSES, Added, AddedMandatory, Renamed, Rewritten, ValuesAdded
from tests.strategies import declared_objects, objects

OWNER = Party("NL", "TNM")
OBJECTS = [
    each
    for each in declared_objects()
    if each.__module__.rpartition(".")[2] not in ("bookings", "invoicereconciliation")
]
each_object = pytest.mark.parametrize("declared", OBJECTS, ids=lambda declared: declared.__name__)
few = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)


def judge(version: Version, value: JSON, declared: Any, *, partial: bool = False) -> None:
    version.judge(codec.encode(value), declared, partial=partial)


def lean(value: JSON) -> JSON:
    """A value without what equals absence."""
    if isinstance(value, dict):
        return {name: lean(each) for name, each in value.items() if each is not None and each != []}
    return [lean(each) for each in value] if isinstance(value, list) else value


def marked(value: JSON, mark: str = "nltnm_unknown") -> JSON:
    """A value with an unknown field in every object of it."""
    if isinstance(value, dict):
        return {**{name: marked(each, mark) for name, each in value.items()}, mark: [{"any": Decimal("1.50")}]}
    return [marked(each, mark) for each in value] if isinstance(value, list) else value


@each_object
def test_what_goes_down_is_valid_there_and_again_when_it_comes_up(declared: Any) -> None:
    @few
    @given(objects(declared))
    def check(value: JSONObject) -> None:
        before = copy.deepcopy(value)

        down = V2_2_1.down(value, declared)
        up = V2_2_1.up(down, declared, OWNER)

        judge(V2_2_1, down, declared)
        judge(V2_3_0, up, declared)
        assert V2_2_1.down(up, declared) == down
        assert value == before

    check()


@each_object
def test_what_comes_up_from_the_older_version_is_valid_and_goes_down_as_it_was(declared: Any) -> None:
    @few
    @given(objects(declared, V2_2_1.shape))
    def check(value: JSONObject) -> None:
        judge(V2_2_1, value, declared)

        up = V2_2_1.up(value, declared, OWNER)

        judge(V2_3_0, up, declared)
        down = V2_2_1.down(up, declared)
        if declared not in (Credentials, ClientInfo):  # the role HUB is gone in 2.3.0
            assert lean(down) == lean(value)
            assert V2_2_1.losses(up, declared) == []

    check()


@pytest.mark.parametrize("declared", [Location, EVSE, Connector, Session, Token], ids=lambda each: each.__name__)
def test_a_patch_gains_no_fields_on_its_way_up(declared: Any) -> None:
    @few
    @given(objects(declared, V2_2_1.shape, partial=True))
    def check(patch: JSONObject) -> None:
        up = V2_2_1.up(patch, declared, OWNER, partial=True)

        judge(V2_3_0, up, declared, partial=True)
        assert up.keys() == patch.keys()

    check()


@each_object
def test_fields_nobody_knows_survive_both_ways(declared: Any) -> None:
    @few
    @given(objects(declared, V2_2_1.shape))
    def check(value: JSONObject) -> None:
        if declared in (Credentials, ClientInfo):
            return

        there_and_back = V2_2_1.down(V2_2_1.up(marked(value), declared, OWNER), declared)

        # What is summed or counted anew (taxes) is made new; everything else is there.
        assert lean(there_and_back) == lean(marked(value))

    check()


def test_the_newest_version_changes_nothing() -> None:
    value = {"uid": "E1", "anything": [1]}

    assert V2_3_0.up(value, EVSE, OWNER) is value
    assert V2_3_0.down(value, EVSE) is value
    assert V2_3_0.losses(value, EVSE) == []


def test_a_custom_modules_value_stays_as_it_is() -> None:
    value = {"excl_vat": 1, "help_phone": 2}

    assert V2_2_1.down(V2_2_1.up(value, None, OWNER), None) == value


def test_a_list_is_translated_element_by_element() -> None:
    assert V2_2_1.down([{"help_phone": "1"}, {"help_phone": "2"}], list[Location]) == [{}, {}]
    assert V2_2_1.losses([{"help_phone": "1"}, {}], list[Location]) == ["$[0].help_phone dropped"]


def test_fields_the_older_version_lacks_are_dropped_and_counted() -> None:
    location = {
        "help_phone": "+31201234567",
        "parking_places": [],
        "evses": [
            {"parking": [{"parking_id": "P1"}], "connectors": [{"capabilities": ["ISO_15118_2_PLUG_AND_CHARGE"]}]}
        ],
    }
    LOSSES.clear()

    down = V2_2_1.down(location, Location)

    assert down == {"evses": [{"connectors": [{}]}]}
    assert V2_2_1.losses(location, Location) == [
        "$.evses[0].connectors[0].capabilities dropped",
        "$.evses[0].parking dropped",
        "$.help_phone dropped",
    ]
    assert LOSSES["2.2.1", "Location: parking_places, help_phone added"] == 1
    assert sum(LOSSES.values()) == 3


@pytest.mark.parametrize(
    ("declared", "value", "down"),
    [
        (Token, {"type": "EMAID"}, {"type": "OTHER"}),
        (Token, {"type": "PALM_OF_HAND"}, {"type": "OTHER"}),
        (Token, {"type": "RFID"}, {"type": "RFID"}),
        (Connector, {"standard": "SAE_J3400"}, {"standard": "TESLA_S"}),
        (Connector, {"standard": "MCS"}, {"standard": "PANTOGRAPH_TOP_DOWN"}),
        (Connector, {"standard": "PLUG_OF_2040"}, {"standard": "TESLA_R"}),
        (Image, {"category": "MENU"}, {"category": "OTHER"}),
        (Location, {"parking_type": "ON_THE_MOON"}, {}),
        (Location, {"facilities": ["HOTEL", "CASINO"]}, {"facilities": ["HOTEL"]}),
        (EVSE, {"capabilities": ["TELEPATHY"]}, {"capabilities": []}),
        (EVSE, {"parking_restrictions": ["TAXIS", "TENANTS"]}, {"parking_restrictions": ["CUSTOMERS"]}),
        (EnergyMix, {"environ_impact": [{"category": "NOISE", "amount": 1}]}, {"environ_impact": []}),
        (
            EnergyMix,
            {"environ_impact": [{"category": "NUCLEAR_WASTE", "amount": 1}, {"category": "NOISE", "amount": 1}]},
            {"environ_impact": [{"category": "NUCLEAR_WASTE", "amount": 1}]},
        ),
    ],
)  # fmt: skip
def test_values_the_older_version_lacks_go_to_their_nearest(declared: Any, value: JSON, down: JSON) -> None:
    assert V2_2_1.down(value, declared) == down
    assert bool(V2_2_1.losses(value, declared)) == (value != down)


def test_taxes_become_the_vat_of_the_older_version_exactly() -> None:
    session = {"total_cost": {"before_taxes": Decimal("0.1"), "taxes": [{"name": "VAT", "amount": Decimal("0.2")}]}}

    assert V2_2_1.down(session, Session) == {"total_cost": {"excl_vat": Decimal("0.1"), "incl_vat": Decimal("0.3")}}
    assert V2_2_1.losses(session, Session) == []


def test_several_taxes_are_summed_and_that_is_told() -> None:
    taxes = [{"name": "GST", "percentage": 5, "amount": Decimal("0.50")}, {"name": "QST", "amount": Decimal("1.00")}]
    session = {"total_cost": {"before_taxes": 10, "taxes": taxes}}

    assert V2_2_1.down(session, Session) == {"total_cost": {"excl_vat": 10, "incl_vat": Decimal("11.50")}}
    assert V2_2_1.losses(session, Session) == ["$.total_cost.taxes summed into incl_vat"]


def test_the_vat_of_the_older_version_becomes_a_tax() -> None:
    older = {
        "total_cost": {"excl_vat": Decimal("4.00"), "incl_vat": Decimal("4.84")},
        "total_time_cost": {"excl_vat": 1},
    }

    assert V2_2_1.up(older, CDR, OWNER) == {
        "total_cost": {"before_taxes": Decimal("4.00"), "taxes": [{"name": "VAT", "amount": Decimal("0.84")}]},
        "total_time_cost": {"before_taxes": 1},
    }


def test_a_float_is_taken_for_the_decimal_it_shows() -> None:
    price = {"before_taxes": 0.1, "taxes": [{"name": "VAT", "amount": 0.2}]}

    assert V2_2_1.down({"total_cost": price}, Session)["total_cost"]["incl_vat"] == Decimal("0.3")


def tariff(**more: JSON) -> JSONObject:
    component = {"type": "ENERGY", "price": Decimal("0.25"), "vat": 21, "step_size": 1}
    return {"elements": [{"price_components": [component]}], "tax_included": "YES"} | more


def test_prices_with_taxes_become_prices_without_where_the_percentage_is_known() -> None:
    assert V2_2_1.down(tariff(), Tariff)["elements"][0]["price_components"][0]["price"] == Decimal("0.2066")
    assert V2_2_1.losses(tariff(), Tariff) == [
        "$.elements[0].price_components[0].price 0.25 with VAT became 0.2066 without",
        "$.tax_included YES dropped",
    ]


def test_prices_with_taxes_of_unknown_percentage_stay_and_that_is_told() -> None:
    unknown = tariff(elements=[{"price_components": [{"price": 1}]}])

    assert V2_2_1.down(unknown, Tariff) == {"elements": [{"price_components": [{"price": 1}]}]}
    assert V2_2_1.losses(unknown, Tariff)[0] == "$.elements[0].price_components[0].price 1 still has taxes in it"


def test_a_tariff_of_the_older_version_is_without_taxes() -> None:
    assert V2_2_1.up({"min_price": {"excl_vat": 1, "incl_vat": 2}}, Tariff, OWNER) == {
        "min_price": {"before_taxes": 1, "after_taxes": 2},
        "tax_included": "NO",
    }


def element(booking: str | None, **more: JSON) -> JSONObject:
    return {"price_components": [{"price": 1}], "restrictions": {**({"booking": booking} if booking else {}), **more}}


def test_elements_for_bookings_never_become_elements_for_every_session() -> None:
    elements = [element("BOOKING"), element("BOOKING_EXPIRES"), element("BOOKING_OVERTIME"), element(None, min_kwh=1)]

    down = V2_2_1.down({"elements": elements}, Tariff)

    assert [each["restrictions"] for each in down["elements"]] == [
        {"reservation": "RESERVATION"},
        {"reservation": "RESERVATION_EXPIRES"},
        {"min_kwh": 1},
    ]


def test_a_tariff_of_nothing_but_a_cancellation_fee_keeps_an_element() -> None:
    down = V2_2_1.down({"elements": [element("BOOKING_CANCELLATION_FEES", reservation=None)]}, Tariff)

    assert down["elements"] == [element(None, reservation="RESERVATION_EXPIRES")]


def test_a_hub_of_2_2_1_reports_only_itself() -> None:
    roles = [
        {"role": "OTHER", "country_code": "NL", "party_id": "HUB", "business_details": {"name": "Hub"}},
        {"role": "CPO", "country_code": "DE", "party_id": "ABC", "business_details": {"name": "Cpo"}},
    ]

    down = V2_2_1.down({"hub_party_id": "NLhub", "roles": roles}, Credentials)

    assert down["roles"] == [
        {"role": "HUB", "country_code": "NL", "party_id": "hub", "business_details": {"name": "Hub"}}
    ]
    assert V2_2_1.up(down, Credentials, OWNER) == {
        "hub_party_id": "NLhub",
        "roles": [down["roles"][0] | {"role": "OTHER"}],
    }


def test_a_hub_not_among_its_roles_is_named_by_its_id() -> None:
    role = {"role": "CPO", "country_code": "DE", "party_id": "ABC", "business_details": {"name": "Cpo"}}

    down = V2_2_1.down({"hub_party_id": "NLHUB", "roles": [role]}, Credentials)

    assert down["roles"][0]["business_details"] == {"name": "NLHUB"}
    assert V2_2_1.down({"hub_party_id": "NL", "roles": [role]}, Credentials) == {"roles": [role]}


def test_an_unknown_field_never_becomes_a_wrong_value_of_a_known_one() -> None:
    connector = {"excl_vat": 1, "capabilities": "plug and charge", "name": "C1"}

    assert V2_2_1.up(connector, Connector, OWNER) == {"excl_vat": 1, "name": "C1"}
    assert V2_2_1.up({"help_phone": "112"}, Location, OWNER) == {"help_phone": "112"}
    assert V2_2_1.down({"total_cost": {"before_taxes": 1, "incl_vat": "x"}}, Session) == {"total_cost": {"excl_vat": 1}}
    assert V2_2_1.up({"total_cost": {"excl_vat": 1, "before_taxes": 2}}, Session, OWNER) == {
        "total_cost": {"before_taxes": 1}
    }


def test_the_older_version_lacks_the_younger_modules() -> None:
    assert V2_3_0.modules - V2_2_1.modules == {"bookings", "invoicereconciliation"}
    assert list(VERSIONS) == ["2.2.1", "2.3.0"]
    for module in REGISTRY.values():
        for operation in module.operations:
            assert V2_3_0.has(operation)
            assert V2_2_1.has(operation) == (operation.module in V2_2_1.modules)


def test_every_difference_is_counted_under_its_own_name() -> None:
    names = [str(step) for step in V2_2_1.steps]

    assert len(set(names)) == len(names)
    assert "PriceLimit: excl_vat renamed before_taxes" in names


def test_an_operation_can_be_lacking_alone() -> None:
    operation = REGISTRY["locations"].sender.operations[0]
    older = Version("0", newer=V2_3_0, modules=V2_3_0.modules, without=frozenset({operation}))

    assert not older.has(operation)


def test_a_chain_of_versions_is_walked_one_after_the_other() -> None:
    oldest = Version(
        "2.1.1",
        newer=V2_2_1,
        modules=V2_2_1.modules,
        steps=(
            Renamed(Connector, older="plug", newer="standard"),
            AddedMandatory(Connector, "format", "CABLE"),
            Added(Connector, ("terms_and_conditions",)),
            ValuesAdded(Connector, "power_type", {"DC": "AC_3_PHASE"}),
            Rewritten(Connector, "amperage", shape={"max_amperage": None}),
        ),
    )
    newest = {"standard": "SAE_J3400", "format": "SOCKET", "terms_and_conditions": "https://x", "power_type": "DC"}
    LOSSES.clear()

    down = oldest.down(newest, Connector)

    assert down == {"plug": "TESLA_S", "power_type": "AC_3_PHASE"}
    assert [number for number, _ in LOSSES] == ["2.2.1", "2.1.1", "2.1.1", "2.1.1"]
    assert oldest.up(down, Connector, OWNER) == {"standard": "TESLA_S", "format": "CABLE", "power_type": "AC_3_PHASE"}
    assert oldest.up(down, Connector, OWNER, partial=True) == {"standard": "TESLA_S", "power_type": "AC_3_PHASE"}
    assert "plug" in oldest.schema(Connector)["required"]
    assert {"max_amperage", "format", "standard"}.isdisjoint(oldest.shape(Connector))


def test_a_closed_list_keeps_its_cardinality() -> None:
    older = Version(
        "0", newer=V2_3_0, modules=V2_3_0.modules, steps=(ValuesAdded(EVSE, "capabilities", {"RESERVABLE": None}),)
    )

    judge(older, {"capabilities": [], "last_updated": "2026-01-31T12:00:00Z"}, EVSE, partial=True)
    assert str(older) == "0"


@few
@given(st.decimals(allow_nan=False, allow_infinity=False, places=4), st.decimals(-9, 9, places=4))
def test_amounts_of_any_size_come_back_as_they_were(excl: Decimal, vat: Decimal) -> None:
    older = {"total_cost": {"excl_vat": excl, "incl_vat": excl + vat}}

    assert V2_2_1.down(V2_2_1.up(older, Session, OWNER), Session) == older
