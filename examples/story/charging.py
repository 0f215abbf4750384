"""Chapter two: drivers charge. At our stations of both versions, at the sample CPO's, with cards and with apps."""

from collections.abc import Callable, Iterator
from decimal import ROUND_HALF_UP, Decimal

from examples.stage import CPMS, JSON, SAMPLE_CPO, Stage, StepFailed, check, held, until

VAT = Decimal("0.21")
CENT = Decimal("0.01")


def card(stage: Stage) -> None:
    """A card with whitelist NEVER: its eMSP is asked, through the hub, while the station waits."""
    stage.hand("plug", "AC0001", 1, "soc=40")
    judged = stage.hand("present", "AC0001", 1, "CARD-1")
    check(judged["card"] == "Accepted", "CARD-1 at the reader of AC0001, OCPP 1.6: Accepted")
    asked = stage.sample_emsp()["authorized"]
    check(bool(asked) and asked[-1]["by"] == CPMS, f"the sample eMSP was asked by {CPMS} for {asked[-1]['uid']}")
    session = _session(stage, lambda each: each["evse_uid"] == "AC0001-1")
    check(session["auth_method"] == "AUTH_REQUEST", f"Session {session['id'][:8]} has begun and says AUTH_REQUEST")


def remote_start(stage: Stage) -> None:
    """START_SESSION: answered at once, and its result comes when the car charges."""
    order = _drive(stage, CPMS, "CPO-002", "DC0001-1")
    stage.hand("plug", "DC0001", 1, "soc=35")
    held("the driver plugs in at DC0001, OCPP 2.0.1")
    _result(stage, order["uid"])
    session = _session(stage, lambda each: each["evse_uid"] == "DC0001-1" and each["status"] == "ACTIVE")
    held(f"Session {session['id'][:8]} is ACTIVE")


def card_ends(stage: Stage) -> None:
    """The same card ends the session; its CDR is priced by its Tariff."""
    session = _growing(stage, "AC0001-1")
    held(_so_far(session))
    stage.hand("present", "AC0001", 1, "CARD-1")
    stage.hand("unplug", "AC0001")
    _billed(stage, session["id"])


def remote_stop(stage: Stage) -> None:
    """STOP_SESSION, its later result, and the CDR."""
    session = _growing(stage, "DC0001-1")
    held(_so_far(session))
    _stop(stage, CPMS, session["id"])
    stage.hand("unplug", "DC0001")
    _billed(stage, session["id"])


def between_strangers(stage: Stage) -> None:
    """External eMSP (2.3.0), external CPO (2.2.1)."""
    order = _drive(stage, SAMPLE_CPO, "CPX-002", "CPX-002-1")
    _result(stage, order["uid"])
    session = _growing(stage, "CPX-002-1")
    held(_so_far(session))
    _stop(stage, SAMPLE_CPO, session["id"])
    cdr = _cdr(stage, session["id"])
    held(f"CDR arrived: {cdr['total_energy']} kWh, {cdr['total_cost']['before_taxes']} {cdr['currency']} before taxes")


def ours_abroad(stage: Stage) -> None:
    """Internal eMSP, external CPO."""
    place = ("--location", "CPX-001", "--evse", "CPX-001-1")
    order = stage.emall("emsp", "start", "--to", SAMPLE_CPO, "--token", "OUR-CARD-1", *place)
    check(order["response"] == "ACCEPTED", f"START_SESSION to {SAMPLE_CPO}: {order['response']}, at once")
    _our_result(stage, order["uid"])

    def active() -> JSON:
        found = [each for each in stage.emall("emsp", "list", "sessions") if each["evse_uid"] == "CPX-001-1"]
        return next((each for each in found if each["kwh"] > 0), None)

    session = until(active, "our eMSP sees the Session grow")
    held(f"Session {session['id'][:8]} is {session['status']} at our eMSP, {session['kwh']} kWh so far")
    order = stage.emall("emsp", "stop", "--to", SAMPLE_CPO, "--session", session["id"])
    _our_result(stage, order["uid"])

    def booked() -> JSON:
        found = stage.emall("emsp", "list", "cdrs")
        return next((each for each in found if each["session_id"] == session["id"]), None)

    cdr = until(booked, "the CDR is booked")
    cost = cdr["total_cost"]["before_taxes"]
    check(cost > 0, f"CDR booked at our eMSP: {cdr['total_energy']} kWh, {cost} {cdr['currency']} before taxes")


# -- orders and their results ----------------------------------------------------------------------


def _drive(stage: Stage, cpo: str, location_id: str, evse_uid: str) -> JSON:
    order = stage.ask_sample("/drive", {"to": cpo, "location_id": location_id, "evse_uid": evse_uid})
    check(order["response"] == "ACCEPTED", f"START_SESSION to {cpo}: {order['response']}, at once")
    return order


def _stop(stage: Stage, cpo: str, session_id: str) -> None:
    order = stage.ask_sample("/stop", {"to": cpo, "session_id": session_id})
    check(order["response"] == "ACCEPTED", f"STOP_SESSION: {order['response']}, at once")
    _result(stage, order["uid"])


def _result(stage: Stage, uid: str) -> None:
    """Wait for a command's asynchronous result at the sample eMSP."""

    def result() -> JSON:
        return next(each["result"] for each in stage.sample_emsp()["commands"] if each["uid"] == uid)

    found = until(result, "the asynchronous result arrives")
    check(found == "ACCEPTED", f"its result came later, by the lent response_url: {found}")


def _our_result(stage: Stage, uid: str) -> None:
    """Wait for a command's asynchronous result at our eMSP."""
    found = until(lambda: stage.emall("emsp", "order", uid)["result"], "the asynchronous result arrives")
    check(found == "ACCEPTED", f"its result came later, by the lent response_url: {found}")


# -- what arrived ----------------------------------------------------------------------------------


def _session(stage: Stage, wanted: Callable[[JSON], bool]) -> JSON:
    return until(lambda: next((e for e in stage.sample_emsp()["sessions"] if wanted(e)), None), "the Session arrives")


def _growing(stage: Stage, evse_uid: str) -> JSON:
    """Wait until the sample eMSP has seen a Session grow for a while."""

    def grows(session: JSON) -> bool:
        active = session["evse_uid"] == evse_uid and session["status"] == "ACTIVE"
        return active and session.get("updates", 0) >= 2 and session["kwh"] > 0

    return _session(stage, grows)


def _so_far(session: JSON) -> str:
    """Return how a Session is, as its eMSP knows it."""
    cost = (session.get("total_cost") or {}).get("before_taxes")
    known = f"{session['kwh']} kWh" + (f", {cost} {session['currency']} so far" if cost else "")
    return f"Session {session['id'][:8]} has grown by {session['updates']} updates: {known}"


def _cdr(stage: Stage, session_id: str) -> JSON:
    """Wait for the CDR of a Session at the sample eMSP, and its COMPLETED Session."""
    cdrs = lambda: [each for each in stage.sample_emsp()["cdrs"] if each["session_id"] == session_id]  # noqa: E731
    found = until(cdrs, "the CDR arrives")
    if len(found) != 1:
        raise StepFailed(f"{len(found)} CDRs for one Session")
    _session(stage, lambda each: each["id"] == session_id and each["status"] == "COMPLETED")
    return found[0]


def _billed(stage: Stage, session_id: str) -> None:
    """The CDR of a Session at our CPMS: its lines of cost must be what its Tariff says, reckoned here once more."""
    cdr = _cdr(stage, session_id)
    held(f"CDR {cdr['id'][:8]} arrived at the sample eMSP, its Session is COMPLETED")
    total = Decimal(0)
    for line, cost in _lines(cdr):
        total += cost
        held(f"  {line:<44} {cost:8.4f} EUR")
    net = total.quantize(CENT, ROUND_HALF_UP)
    gross = (total * (1 + VAT)).quantize(CENT, ROUND_HALF_UP)
    told = cdr["total_cost"]
    taxed = Decimal(str(told["before_taxes"])) + sum(Decimal(str(each["amount"])) for each in told["taxes"])
    check(Decimal(str(told["before_taxes"])) == net, f"  {'together, before taxes':<44} {net:8.2f} EUR")
    check(abs(taxed - gross) <= CENT, f"  {'with 21 % VAT':<44} {taxed:8.2f} EUR")


def _lines(cdr: JSON) -> Iterator[tuple[str, Decimal]]:
    """Yield what each component of a CDR's one Tariff costs, and check it against the CDR's own parts."""
    used = {
        "FLAT": Decimal(1),
        "ENERGY": Decimal(str(cdr["total_energy"])),
        "TIME": Decimal(str(cdr["total_time"])) - Decimal(str(cdr.get("total_parking_time") or 0)),
    }
    parts = {"FLAT": "total_fixed_cost", "ENERGY": "total_energy_cost", "TIME": "total_time_cost"}
    units = {"FLAT": "session", "ENERGY": "kWh", "TIME": "h"}
    (tariff,) = cdr["tariffs"]
    for component in tariff["elements"][0]["price_components"]:
        kind, price = component["type"], Decimal(str(component["price"]))
        cost = Decimal(str(cdr[parts[kind]]["before_taxes"]))
        if abs(cost - used[kind] * price) > price / 1000:
            raise StepFailed(f"{kind}: {cost} is not {used[kind]} x {price}")
        yield f"{kind:<6} {used[kind]:f} {units[kind]} x {price:.2f}", cost


BEGIN = [
    ("A card is authorized in real time by its eMSP, at a station of OCPP 1.6", card),
    ("A driver of the sample eMSP starts at our CPMS, at a station of OCPP 2.0.1", remote_start),
]
END = [
    ("The card ends its session; the CDR is priced", card_ends),
    ("The driver's app ends the other one", remote_stop),
]
ABROAD = [
    ("A driver of our eMSP charges at the sample CPO", ours_abroad),
    ("A driver of the sample eMSP charges at the sample CPO: 2.3.0 with 2.2.1", between_strangers),
]
