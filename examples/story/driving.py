"""Chapter of the driver: from signing up to the receipt, at our CPMS and at the sample CPO, over our API alone."""

from examples.driver import DriverApp, Refused
from examples.stage import CPMS, JSON, SAMPLE_CPO, Stage, StepFailed, check, held, until

OURS = {"owner": CPMS, "location_id": "CPO-006", "evse_uid": "DC0003-1"}
THEIRS = {"owner": SAMPLE_CPO, "location_id": "CPX-003", "evse_uid": "CPX-003-1"}


def sign_up(stage: Stage) -> None:
    """An account, confirmed by the link of a letter, with a Token of its own and a payment method."""
    app = stage.app = DriverApp(f"{stage.hub_url}/emsp/api/v1")
    app.sign_up(stage.folder / "letters", name="Noor", plate="AB 123 CD")
    vehicles = app.get("/driver/vehicles")
    held(f"Noor has confirmed her address and logs in; her car: {vehicles[0]['name']}")
    method = app.pay_with("sim_ok")
    check(method["state"] == "SAVED", f"she pays with {method['label']}; no card number came here")


def book(stage: Stage) -> None:
    """A booking where the CPO has the Bookings module, and an honest promise where it has not."""
    app = _app(stage)
    free = [each for each in app.slots(OURS)["slots"] if each["state"] == "FREE"]
    booking = app.ask("POST", "/bookings", {"place": OURS, **_times(free[-1])})
    check((booking["way"], booking["state"]) == ("BOOKINGS", "RESERVED"), f"{_when(booking)} at {_at(OURS)}: RESERVED")
    moved = app.ask("PUT", f"/bookings/{booking['id']}/times", _times(free[-2]))
    check(moved["starts_at"] == free[-2]["starts_at"], f"moved to {_when(moved)}: its CPO agrees")
    promise = app.ask("POST", "/bookings", {"place": THEIRS, **_times(app.slots(THEIRS)["slots"][-4])})
    check(promise["state"] == "PROMISED", f"{_at(THEIRS)} has no Bookings: a promise, RESERVE_NOW when its time begins")
    for each in (booking, promise):
        canceled = app.ask("POST", f"/bookings/{each['id']}/cancel")
        check(canceled["state"] == "CANCELED", f"{_at(each['place'])}: CANCELED")


def charge_at_ours(stage: Stage) -> None:
    """The code on the socket, at our own station."""
    app = _app(stage)
    shown = app.get("/codes/NL*CPO*EDC0003*1")
    held(f"the code on the socket: {shown['address']}, {shown['status']}, free until {shown['latest_end'][11:16]} UTC")
    charge = app.ask("POST", "/charges", {"code": "NL*CPO*EDC0003*1", "ends_at": shown["latest_end"]})
    check(charge["state"] == "ACCEPTED", "START_SESSION is accepted, 50.00 EUR are set aside before it was sent")
    stage.hand("plug", "DC0003", 1, "soc=30")
    _seen(app, charge)
    path = f"/charges/{charge['id']}"
    app.ask("PUT", f"{path}/limits", {"power_kw": 20})
    until(lambda: app.get(path)["limit_power_kw"] == 20, "the station takes the limit of power")
    held("she limits it to 20 kW: a ChargingProfile over OCPI, which the station has taken")
    stopped = app.ask("POST", f"/charges/{charge['id']}/stop")
    check(stopped["state"] in ("STOPPING", "ENDED", "BILLED"), "STOP_SESSION is accepted")
    _paid(stage, charge)
    stage.hand("unplug", "DC0003")


def charge_at_theirs(stage: Stage) -> None:
    """The same app at a stranger's station; a limit of energy ends it."""
    app = _app(stage)
    limits = {"energy_kwh": 1, "cost": 20, "currency": "EUR"}
    charge = app.ask("POST", "/charges", {"place": THEIRS, "limits": limits})
    held(f"{_at(THEIRS)} starts; Noor wants 1 kWh, for 20 EUR at most")
    held("the sample CPO gives 2.5 kWh in a second, for time runs faster there: its power is high, a stop comes late")
    _seen(app, charge)
    ended = app.until(f"/charges/{charge['id']}", "ENDED", "BILLED")
    check(ended["stop_reason"] == "ENERGY_LIMIT", f"her limit has stopped it at {ended['kwh']} kWh")
    _paid(stage, charge)


def refuse(stage: Stage) -> None:
    """What an app is refused says why, and what to do."""
    app = _app(stage)
    slot = _times(app.slots(OURS)["slots"][-1])
    for body, said in (
        ({"place": OURS, **slot, "ends_at": slot["starts_at"]}, "TOO_LONG"),
        ({"place": OURS | {"evse_uid": "DC9999-1"}, **slot}, "UNKNOWN_PLACE"),
    ):
        try:
            app.ask("POST", "/bookings", body)
        except Refused as refused:
            check(said in str(refused), f"refused: {said}, naming the field")
        else:
            raise StepFailed(f"{said} was not refused")


def _app(stage: Stage) -> DriverApp:
    assert isinstance(stage.app, DriverApp), "she has signed up"
    return stage.app


def _seen(app: DriverApp, charge: JSON) -> None:
    """Follow a charge live until energy flows."""
    for seen in app.follow():
        if seen["id"] == charge["id"] and float(seen["kwh"] or 0) > 0:
            cost = f"{seen['cost']} {seen['currency']} so far" if seen["cost"] else "no cost yet"
            held(f"live: {seen['state']}, {float(seen['kwh']):.3f} kWh, {seen['kw']} kW, {cost}")
            return
        if seen["id"] == charge["id"] and seen["state"] == "FAILED":
            raise StepFailed(f"the charge failed: {seen['outcome']}")


def _paid(stage: Stage, charge: JSON) -> None:
    app = _app(stage)
    bill = app.bill(charge["id"])
    seen = app.get(f"/charges/{charge['id']}")
    price = bill["amount"]
    held(f"CDR checked and booked: {float(seen['kwh']):.3f} kWh, {price['amount']} {price['currency']} with VAT, PAID")
    file = app.receipt(stage.folder)
    check(file.stat().st_size > 1000, f"receipt {file.name}, {file.stat().st_size} bytes")


def _times(slot: JSON) -> JSON:
    return {name: slot[name] for name in ("starts_at", "ends_at")}


def _when(booking: JSON) -> str:
    return f"{booking['starts_at'][:16]}"


def _at(place: JSON) -> str:
    return f"{place['owner']} {place['evse_uid']}"


STEPS = [
    ("A driver signs up at our eMSP, and can pay", sign_up),
    ("She books: by Bookings at our CPMS, as a promise at the sample CPO", book),
    ("She charges at our CPMS by the code on the socket, and pays", charge_at_ours),
    ("She charges at the sample CPO in the same app, with a limit, and pays", charge_at_theirs),
    ("What she is refused, she is told why", refuse),
]
