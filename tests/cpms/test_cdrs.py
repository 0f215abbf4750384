"""CDRs: complete, made with the end of their session, and never changed but by a Credit CDR."""

import datetime
from decimal import Decimal

import pytest

from hub.cpms import cdrs, sessions
from hub.cpms.ports import Authorization, Outlet, SessionEnded, SessionStarted
from hub.cpms.terms import terms_of
from hub.ocpi import codec
from hub.ocpi.modules.cdrs import CDR
from hub.ocpi.pricing import Outcome
from hub.ocpi.versions import VERSIONS
from tests.rooms import CPO, location, tariff, token

START = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)
END = START + datetime.timedelta(minutes=90)
OUTLET = Outlet(location_id="LOC1", evse_uid="EVSE1", connector_id="1")
SIGNED = {
    "encoding_method": "OCMF",
    "public_key": "MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAE",
    "signed_values": [{"nature": "End", "plain_data": "20.000 kWh", "signed_data": "T0NNRnx7fQ=="}],
}


def component(kind, price, **more):
    return {"type": kind, "price": Decimal(price), "step_size": 1} | more


FULL = tariff(
    elements=[
        {"price_components": [component("TIME", "6")], "restrictions": {"reservation": "RESERVATION"}},
        {"price_components": [component("FLAT", "4")], "restrictions": {"reservation": "RESERVATION_EXPIRES"}},
        {"price_components": [
            component("FLAT", "0.5", vat=20), component("ENERGY", "0.4", vat=20), component("TIME", "1.2", vat=20),
            component("PARKING_TIME", "3", vat=10),
        ]},
    ]
)  # fmt: skip


def opened(uid_type="RFID"):
    authorization = Authorization(token=token(type=uid_type), method="COMMAND", reference="REF")
    event = SessionStarted(session_id="S1", outlet=OUTLET, authorization=authorization, at=START)
    return sessions.session(CPO, event, "EUR")


def made(seal=None, **more):
    seal = seal or sessions.sealed(location(), OUTLET, [FULL], at=START)
    event = SessionEnded(session_id="S1", kwh=20, at=END, charged_until=START + datetime.timedelta(minutes=60))
    return cdrs.cdr(sessions.completed(sessions.started(opened(), seal), event, seal), seal, **more)


def test_a_cdr_has_every_total_by_dimension():
    """0.50 + 20 kWh x 0.40 = 8.00 + 1 h x 1.20 + 0.5 h x 3.00 = 11.20; 20 % of 9.70 and 10 % of 1.50: 2.09."""
    cdr = made(sessions.sealed(location(), OUTLET, [FULL], at=START) | {"reserved_at": "2026-01-01T11:50:00.000Z"})

    assert {name: str(cdr[name]) for name in ("total_energy", "total_time", "total_parking_time")} == {
        "total_energy": "20.0000", "total_time": "1.5000", "total_parking_time": "0.5000",
    }  # fmt: skip
    assert {name: cdr[f"total_{name}_cost"]["before_taxes"] for name in ("fixed", "energy", "time", "parking")} == {
        "fixed": Decimal("0.5"), "energy": 8, "time": Decimal("1.2"), "parking": Decimal("1.5"),
    }  # fmt: skip
    assert cdr["total_reservation_cost"] == {"before_taxes": 1}
    assert cdr["total_cost"]["before_taxes"] == Decimal("12.20")
    assert [str(each["amount"]) for each in cdr["total_cost"]["taxes"]] == ["0.15", "1.94"]


@pytest.mark.parametrize("version", ["2.2.1", "2.3.0"])
def test_a_cdr_is_valid_in_each_version(version):
    cdr = made(signed_data=SIGNED, more={"invoice_reference_id": "INV-1", "home_charging_compensation": True})

    lowered = VERSIONS[version].down(cdr, CDR)

    VERSIONS[version].judge(codec.encode(lowered), CDR)
    assert lowered["invoice_reference_id"] == "INV-1"
    assert lowered["home_charging_compensation"] is True


def test_signed_meter_data_are_passed_on_as_the_station_gave_them():
    assert made(signed_data=SIGNED)["signed_data"] == SIGNED
    assert "signed_data" not in made()


def test_a_place_is_cut_to_what_a_cdr_can_say():
    """Errata E-05: a CdrLocation's address is shorter than a Location's."""
    seal = sessions.sealed(location(address="A" * 60, state="S" * 30), OUTLET, [FULL], at=START)

    place = made(seal)["cdr_location"]

    assert (len(place["address"]), len(place["state"])) == (45, 20)


def test_only_the_tariffs_that_were_used_are_in_a_cdr():
    other = tariff(id="T2", type="PROFILE_CHEAP")

    assert [each["id"] for each in made(sessions.sealed(location(), OUTLET, [other, FULL], at=START))["tariffs"]] == [
        "T1"
    ]


def test_an_ad_hoc_driver_pays_the_ad_hoc_tariff_and_nobody_else_does():
    ad_hoc = tariff(id="A", type="AD_HOC_PAYMENT")

    for_contract = sessions.sealed(location(), OUTLET, [ad_hoc, tariff()], at=START)
    for_guest = sessions.sealed(location(), OUTLET, [ad_hoc, tariff()], at=START, ad_hoc=True)
    none_left = sessions.sealed(location(), OUTLET, [ad_hoc], at=START)

    assert (for_contract["tariff_id"], for_guest["tariff_id"], none_left["tariff_id"]) == ("T1", "A", None)


def test_a_tariff_counts_from_its_start_to_its_end():
    old = tariff(id="OLD", end_date_time="2026-01-01T12:00:00Z")
    new = tariff(id="NEW", start_date_time="2026-01-01T12:00:00Z")
    before = START - datetime.timedelta(seconds=1)

    assert sessions.sealed(location(), OUTLET, [old, new], at=before)["tariff_id"] == "OLD"
    assert sessions.sealed(location(), OUTLET, [old, new], at=START)["tariff_id"] == "NEW"


def test_a_wrong_cdr_is_taken_back_by_a_credit_cdr_and_replaced():
    """X-72: a CDR that is wrong but consistent is credited; all its data, the total_cost negative."""
    wrong = made()
    later = END + datetime.timedelta(days=1)

    credit = cdrs.credit(wrong, later)
    right = cdrs.corrected(wrong, "S1-2", {"total_energy": Decimal(19), "remark": None}, later)

    assert (credit["id"], credit["credit"], credit["credit_reference_id"]) == ("S1-C", True, "S1")
    assert credit["total_cost"]["before_taxes"] == -wrong["total_cost"]["before_taxes"]
    assert [each["amount"] for each in credit["total_cost"]["taxes"]] == [
        -each["amount"] for each in wrong["total_cost"]["taxes"]
    ]
    changed = ("id", "credit", "credit_reference_id", "total_cost", "last_updated")
    assert {name: each for name, each in credit.items() if name not in changed} == {
        name: each for name, each in wrong.items() if name not in changed
    }
    assert right["id"] == "S1-2"
    assert "credit" not in right
    for each in (credit, right):
        VERSIONS["2.3.0"].judge(codec.encode(each), CDR)


def test_a_reservation_that_expired_has_a_cdr_if_it_costs_something():
    """4.00 for the expiry, and 1 h of the reservation at 6.00."""
    seal = sessions.sealed(location(), OUTLET, [FULL], at=START)
    lapsed = sessions.lapsed(opened(), seal, START + datetime.timedelta(hours=1))
    free = sessions.sealed(location(), OUTLET, [tariff()], at=START)

    cdr = cdrs.reservation_cdr(lapsed, seal, Outcome.EXPIRED)

    assert cdr is not None
    assert cdr["total_cost"]["before_taxes"] == cdr["total_reservation_cost"]["before_taxes"] == 10
    assert (cdr["total_time"], cdr["total_energy"]) == (0, 0)
    assert cdrs.reservation_cdr(sessions.lapsed(opened(), free, END), free, Outcome.EXPIRED) is None
    VERSIONS["2.3.0"].judge(codec.encode(cdr), CDR)


def test_a_cdr_names_the_invoice_it_will_be_on_and_whose_energy_is_compensated():
    terms = terms_of("{emsp}/{year}-{month}", "home1, loc1")
    ended = opened() | {"end_date_time": "2026-02-01T00:00:00.000Z"}

    assert terms.fields(ended) == {"invoice_reference_id": "DE-EMP/2026-02", "home_charging_compensation": True}
    assert terms_of("", "OTHER").fields(ended) == {}
