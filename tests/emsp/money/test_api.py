"""Money over the API: what a driver and the staff see and do."""

import pytest

from hub.emsp.api.routes.accounting import AccountingRoutes
from hub.emsp.api.routes.money import MoneyRoutes
from hub.emsp.api.scopes import Scope
from hub.emsp.money.papers import Letterhead
from hub.emsp.money.ports import Status
from tests.emsp.api.conftest import Provider
from tests.emsp.money.conftest import RETURN, eur


@pytest.fixture
async def api(desk):
    routes = (
        MoneyRoutes(desk.till, desk.people, Letterhead("Emall")),
        AccountingRoutes(desk.till, desk.people, "DE-EMP"),
    )
    made = Provider(desk.database, desk.clock, routes)
    yield made
    await made.feed.stop()
    await made.statuses.stop()


@pytest.fixture
def anna(api):
    return api.driver("anna")


async def post(caller, path, body=None, key="k1"):
    return await caller.ask("POST", path, json=body, headers={"Idempotency-Key": key})


async def billed(desk):
    await desk.save()
    await desk.till.secure("anna", "REF", eur("25"))
    await desk.charged()
    await desk.work()


async def test_a_method_is_saved_by_its_token_and_listed_without_card_data(anna):
    """RASD-F10, N09."""
    saved = await post(anna, "/payment-methods", {"token": "sim_ok", "return_url": RETURN})

    assert (saved.status_code, saved.json()["state"]) == (201, "SAVED")
    assert await anna.get("/payment-methods") == [saved.json()]


async def test_a_card_number_is_refused_naming_the_field(anna):
    """RASD-N09, D5."""
    refused = await post(anna, "/payment-methods", {"token": "4242424242424242", "return_url": RETURN})

    assert refused.status_code == 422
    assert refused.json()["errors"][0]["path"] == "$.token"


async def test_a_wallet_is_topped_up_once_per_key(anna):
    """SGEM-4.3-02."""
    await post(anna, "/payment-methods", {"token": "sim_ok", "return_url": RETURN}, "m")
    body = {"amount": 20, "currency": "EUR", "return_url": RETURN}

    first = await post(anna, "/wallet/top-ups", body)
    again = await post(anna, "/wallet/top-ups", body)

    (wallet,) = await anna.get("/wallet")
    assert (first.json()["state"], again.json()) == ("CAPTURED", first.json())
    assert wallet["available"] == {"amount": 20.00, "currency": "EUR"}


async def test_a_top_up_without_a_method_says_what_to_do(anna):
    """X-12."""
    refused = await post(anna, "/wallet/top-ups", {"amount": 20, "currency": "EUR", "return_url": RETURN})

    assert refused.status_code == 402
    assert "save one" in refused.json()["detail"]


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"amount": 0}, "$.amount"),
        ({"amount": 1.005}, "$.amount"),
        ({"currency": "eur"}, "$.currency"),
        ({"return_url": "javascript:alert(1)"}, "$.return_url"),
        ({"method_id": "somebody's"}, "$.method_id"),
    ],
)
async def test_a_top_up_that_cannot_be_names_the_field(anna, changes, path):
    refused = await post(anna, "/wallet/top-ups", {"amount": 20, "currency": "EUR", "return_url": RETURN} | changes)

    assert refused.status_code == 422
    assert refused.json()["errors"][0]["path"] == path


async def test_a_driver_sees_what_was_charged_and_its_receipt_and_nobody_else_does(desk, api, anna):
    """INCAR-AC03, SGEM-4.3-05."""
    await billed(desk)

    (bill,) = (await anna.get("/bills"))["items"]
    (receipt,) = (await anna.get("/receipts"))["items"]
    number = receipt["number"]
    pdf = await anna.ask("GET", f"/receipts/{number}/pdf")
    foreign = await api.driver("ben").ask("GET", f"/receipts/{number}")

    assert (bill["state"], bill["amount"]) == ("PAID", {"amount": 10.29, "currency": "EUR"})
    assert (receipt["gross"], receipt["kwh"]) == ("10.29", "20")
    assert (pdf.headers["content-type"], pdf.content[:5]) == ("application/pdf", b"%PDF-")
    assert foreign.status_code == 404


async def test_bills_payments_and_receipts_come_in_pages_the_newest_first_and_as_csv_whole(desk, anna):
    """Issue 4, 6: paged like every list."""
    await desk.save()
    for number in range(1, 4):
        await desk.till.secure("anna", f"REF{number}", eur("25"))
        await desk.charged(f"REF{number}", f"S{number}")
        await desk.pass_time(minutes=1)

    for path in ("/bills", "/payments", "/receipts"):
        first = await anna.get(f"{path}?limit=2")
        rest = await anna.get(f"{path}?limit=2&cursor={first['next']}")
        whole = await anna.ask("GET", f"{path}?format=csv")

        assert (len(first["items"]), len(rest["items"]), rest["next"]) == (2, 1, None)
        assert len(whole.text.splitlines()) == 1 + 3
    bills, receipts = await anna.get("/bills"), await anna.get("/receipts")
    assert [each["reference"] for each in bills["items"]] == ["REF3", "REF2", "REF1"]
    assert [each["cdr"] for each in receipts["items"]] == ["NL-CPO/S3", "NL-CPO/S2", "NL-CPO/S1"]


async def test_a_month_is_had_as_json_pdf_and_csv(desk, anna):
    """SGEM-4.3-01, SGEM-4.3-05."""
    await billed(desk)

    statement = await anna.get("/statements/2026-01")
    pdf = await anna.ask("GET", "/statements/2026-01/pdf")
    csv = await anna.ask("GET", "/statements/2026-01/csv")
    wrong = await anna.ask("GET", "/statements/last")

    assert statement["totals"] == [{"amount": 10.29, "currency": "EUR"}]
    assert pdf.content.startswith(b"%PDF-")
    assert csv.text.splitlines()[1].startswith("R-2026-000001,RECEIPT")
    assert (wrong.status_code, wrong.json()["errors"][0]["path"]) == (422, "path.month")


async def test_a_driver_sees_that_a_payment_has_to_be_confirmed_and_the_webhook_tells_that_it_was(desk, api, anna):
    await desk.save("sim_3ds")
    await desk.till.secure("anna", "REF", eur("25"))
    (payment,) = (await anna.get("/payments"))["items"]
    (kept,) = await desk.till.payments.of("anna")
    body, headers = desk.gateway.happen(kept.reference, Status.AUTHORISED)

    headers |= {"content-type": "application/json"}
    forged = await api.stranger().ask("POST", "/payment-webhook", content=body + b" ", headers=headers)
    taken = await api.stranger().ask("POST", "/payment-webhook", content=body, headers=headers)

    assert payment["action_url"].startswith("https://payments.example/confirm/")
    assert (forged.status_code, taken.status_code) == (422, 204)
    assert (await anna.get(f"/payments/{payment['id']}"))["state"] == "AUTHORISED"


async def test_methods_are_preferred_and_forgotten_by_their_driver_alone(api, anna):
    first = (await post(anna, "/payment-methods", {"token": "sim_ok", "return_url": RETURN}, "a")).json()["id"]
    second = (await post(anna, "/payment-methods", {"token": "sim_ok", "return_url": RETURN}, "b")).json()["id"]

    foreign = await api.driver("ben").ask("DELETE", f"/payment-methods/{first}")
    preferred = await anna.ask("POST", f"/payment-methods/{first}/prefer")
    order = [each["id"] for each in await anna.get("/payment-methods")]
    await anna.ask("DELETE", f"/payment-methods/{first}")

    assert (foreign.status_code, preferred.status_code, order) == (404, 204, [first, second])
    assert [each["id"] for each in await anna.get("/payment-methods")] == [second]


# -- the staff -----------------------------------------------------------------------------------


async def test_a_dispute_is_seen_with_its_findings_and_rejected_once(desk, api):
    """X-72."""
    await desk.session()
    await desk.keep((await desk.charged()) | {"id": "S9", "session_id": "S9", "total_energy": 90})
    await desk.work()
    staff = await api.operator(Scope.MONEY_READ, Scope.MONEY_WRITE)

    (dispute,) = (await staff.get("/disputes?state=OPEN"))["items"]
    rejected = await staff.ask("POST", f"/disputes/{dispute['id']}/reject", json={"note": "no such session"})
    again = await staff.ask("POST", f"/disputes/{dispute['id']}/accept", json={})

    assert {each["fault"] for each in dispute["findings"]} >= {"ENERGY"}
    assert (rejected.json()["state"], rejected.json()["note"]) == ("REJECTED", "no such session")
    assert (again.status_code, "closed" in again.json()["detail"]) == (409, True)


async def test_a_refund_is_given_once_per_key_and_never_too_much(desk, api, anna):
    await billed(desk)
    (payment,) = await desk.till.payments.of("anna")
    staff = await api.operator(Scope.MONEY_READ, Scope.MONEY_WRITE)
    path, body = f"/payments/{payment.id}/refunds", {"amount": 3, "currency": "EUR", "memo": "sorry"}

    first, again = await post(staff, path, body), await post(staff, path, body)
    much = await post(staff, path, body | {"amount": 9}, "k2")

    assert (first.status_code, first.json()["state"], again.json()["id"]) == (201, "REFUNDED", first.json()["id"])
    assert much.status_code == 409
    assert (await anna.get(f"/payments/{payment.id}"))["refunded"]["amount"] == 3


async def test_the_books_bill_data_and_usage_records_are_the_staffs_alone(desk, api, anna):
    """SGEM-3-03, SGEM-4.3-01."""
    await billed(desk)
    staff = await api.operator(Scope.MONEY_READ)
    usage = "/usage-records?since=2026-01-01T00:00:00Z&until=2026-02-01T00:00:00Z"

    books = await staff.get("/ledger")
    xml = await staff.ask("GET", "/bill-data/2026-01")
    records = await staff.ask("GET", usage)

    booked = {each["account"]: round(each["balance"] * 100) for each in books}
    assert booked["revenue"] == -850 and sum(booked.values()) == 0
    assert '<record number="R-2026-000001"' in xml.text
    assert records.text.splitlines()[1].startswith("S1,NL-CPO,BOOKED")
    for path in ("/ledger", "/bill-data/2026-01", usage, "/disputes"):
        assert (await anna.ask("GET", path)).status_code == 403
