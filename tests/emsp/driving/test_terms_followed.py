"""The file of the terms is followed while the provider runs, by every room that goes by it."""

import os

import msgspec
import pytest

from hub.emsp import inforce
from hub.emsp.inforce import TermsInForce
from tests.emsp.charging.world import HALF, SPOT
from tests.emsp.driving.test_api import LATER, under_way, wanted
from tests.emsp.driving.test_refusals import problem
from tests.emsp.driving.test_rooms import charged
from tests.rooms import until


@pytest.fixture
def file(tmp_path):
    return tmp_path / "terms.json"


@pytest.fixture
def terms(file):
    write(file, {})
    return TermsInForce(path=file)


def write(file, value):
    """Replace the file, as whoever changes what others read does."""
    text = value if isinstance(value, bytes) else msgspec.json.encode(value)
    (file.parent / "new").write_bytes(text)
    os.replace(file.parent / "new", file)


async def test_a_change_of_the_file_holds_for_all_that_is_asked_after_it(provider, file, terms):
    """RASD-F02, SGEM-4.1-17, SGEM-4.3-04: bookings, prices, what is set aside, whom we serve, what staff is shown."""
    await provider.offer()
    ada = await provider.driver("ada")
    first = await provider.charging.charges.start(ada.driver_id, SPOT)
    price = (await ada.post("/search", {"near": {"latitude": 52.3731, "longitude": 4.8922}, "kwh": 10})).json()
    nobody = await provider.stranger().ask("POST", "/guests", json={})

    write(file, {
        "charging": {"slots": 1, "ad_hoc": True},
        "money": {"margins": {"EUR": {"percent": 100}}, "estimates": {"EUR": 900}},
    })  # fmt: skip
    terms.reread()
    await charged(provider, first)
    dearer = (await ada.post("/search", {"near": {"latitude": 52.3731, "longitude": 4.8922}, "kwh": 10})).json()
    long = await ada.post("/bookings", wanted(LATER + 4 * HALF, LATER + 6 * HALF))
    guest = await provider.stranger().ask("POST", "/guests", json={})
    second = await under_way(provider, ada)

    assert (await provider.charge(first.id)).cost == 2 * 545 - 1  # of 4.50 and its VAT, rounded once
    assert [each["items"][0]["price"]["amount"] for each in (price, dearer)] == [5.45, 10.89]  # as it is billed
    problem(long, 422, "TOO_LONG", "$.ends_at")
    assert (nobody.status_code, guest.status_code, second["limit_cost"]) == (403, 201, 9)
    staff = await provider.operator("tariffs:read")
    assert (await staff.get("/terms"))["charging"]["slots"] == 1


@pytest.mark.parametrize("text", [b'{"charging": {"slots"', b'{"charging": {"slots": 9}}', b"[]"])
def test_what_is_no_file_of_terms_changes_nothing_and_is_told_once(terms, file, caplog, text):
    write(file, {"charging": {"slots": 2}})
    terms.reread()
    caplog.clear()

    write(file, text)
    terms.reread()
    terms.reread()
    file.unlink()
    terms.reread()

    assert terms.charging().slots == terms.all().charging.slots == 2
    assert [each.levelname for each in caplog.records] == ["ERROR", "ERROR"]
    write(file, {"charging": {"slots": 3}})
    terms.reread()
    assert terms.charging().slots == 3


async def test_the_file_is_looked_at_by_itself(terms, file, monkeypatch):
    monkeypatch.setattr(inforce, "PERIOD", 0.001)
    await terms.start()

    write(file, {"charging": {"slots": 2}})
    await until(lambda: terms.charging().slots == 2)

    await terms.stop()
