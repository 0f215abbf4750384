"""Chapter three: the operator at work. Who may look, what is seen, a limit that is shared, a fault and its alarm."""

import time

from examples import city
from examples.stage import JSON, LOCATIONS, Stage, StepFailed, check, held, until

WITHIN = 1.0  # second from a station's word to an eMSP
SITE = "CPO-001"


def log_in(stage: Stage) -> None:
    """An administrator and a key are made by the command line; both open the operator API."""
    email, password = "ada@lindenhaven.example", "lanterns along the quay"
    stage.emall("cpms", "admin", "create", "--email", email, "--password-stdin", stdin=password + "\n")
    stage.key = stage.emall("cpms", "key", "create", "--name", "demo")["key"]
    opened = stage.http.post(f"{stage.api_url}/login", json={"email": email, "password": password}).json()
    me = stage.api("GET", "/me", Authorization=f"Bearer {opened['token']}")
    check(me["role"] == "admin", f"{me['name']} logs in as {me['role']}")
    check(stage.api("GET", "/me")["kind"] == "key", "a key is made for machines: the rest of the story uses it")
    refused = stage.http.get(f"{stage.api_url}/stations").status_code
    check(refused == 401, f"without one the operator API answers {refused}")


def place(stage: Stage) -> None:
    """Stations are made in bulk: a CSV says which connector of which station is which of OCPI's."""
    key = {"Authorization": f"Bearer {stage.key}", "Content-Type": "text/csv"}
    url, csv = f"{stage.api_url}/imports/stations", city.stations(LOCATIONS)
    told = stage.http.post(url, content=csv, headers=key).json()
    if told["faults"]:
        raise StepFailed(f"line {told['faults'][0]['line']}: {told['faults'][0]['error']}")
    check(told["read"] == told["stored"] == LOCATIONS * 2, f"a CSV of {told['read']} connectors is imported")
    listed = stage.api("GET", "/stations?limit=100")["items"]
    check(len(listed) == LOCATIONS, f"{len(listed)} stations stand at {LOCATIONS} Locations")


def status_in_time(stage: Stage) -> None:
    """A cable put in is a Status at the eMSP, one second later at most."""
    begun = time.monotonic()
    stage.hand("plug", "AC0002", 2)
    status = until(lambda: _changed(stage, "AC0002-2", "AVAILABLE"), "the Status arrives")
    took = time.monotonic() - begun
    check(took <= WITHIN, f"a cable in AC0002: its EVSE is {status} at the sample eMSP after {took:.2f} s")
    stage.hand("unplug", "AC0002", 2)
    until(lambda: _changed(stage, "AC0002-2", status), "the Status arrives")
    held("pulled out: AVAILABLE again")


def _changed(stage: Stage, evse_uid: str, before: str) -> str | None:
    """Return the Status of an EVSE at the sample eMSP, once it is another."""
    evses = (evse for location in stage.sample_emsp()["locations"] for evse in location.get("evses") or [])
    status: str = next(each["status"] for each in evses if each["uid"] == evse_uid)
    return status if status != before else None


def look(stage: Stage) -> None:
    """What the operator sees of the cars that charge."""

    def car(station: str) -> JSON:
        found = stage.api("GET", f"/stations/{station}/status")
        seen = found["evses"][0].get("car") or {}
        flows = float(seen.get("energy") or 0) > 0 and float(seen.get("power") or 0) > 0
        return found if flows and seen.get("soc") is not None else None

    for station in ("AC0001", "DC0001"):
        found = until(lambda station=station: car(station), f"{station} tells of its car")
        evse, seen = found["evses"][0], found["evses"][0]["car"]
        power, energy = float(seen["power"]) / 1000, float(seen["energy"]) / 1000
        held(f"{station}: {evse['state']}, {power:.1f} kW, {energy:.3f} kWh, battery at {float(seen['soc']):.1f} %")
    sockets = stage.api("GET", f"/sites/{SITE}/status")["sockets"][0]
    held(f"{SITE}: {sockets['free']} of {sockets['total']} sockets {sockets['standard']} free")


def share(stage: Stage) -> None:
    """A site's limit is shared between two cars: each gets half, and the stations keep to it."""
    stage.hand("plug", "AC0001", 2, "soc=60")
    judged = stage.hand("present", "AC0001", 2, "OUR-CARD-1")
    check(judged["card"] == "Accepted", "a second car at AC0001, with a card of our own eMSP")
    stage.api("PUT", f"/sites/{SITE}/power", {"phases": [32_000] * 3})
    begun = time.monotonic()
    cars = until(lambda: _offered(stage, 11_040), "both are limited")
    held(f"{SITE} may draw 32 A: {' and '.join(f'{each / 1000:.1f} kW' for each in cars)}, {_since(begun)} later")
    stage.hand("present", "AC0001", 2, "OUR-CARD-1")
    stage.hand("unplug", "AC0001", 2)
    begun = time.monotonic()
    until(lambda: stage.hand("show", "AC0001", 1)["offered"] > 20_000, "the first gets all of it")
    held(f"the second has gone: the first is given {stage.hand('show', 'AC0001', 1)['offered'] / 1000:.1f} kW again, "
         f"{_since(begun)} later")  # fmt: skip
    stage.api("DELETE", f"/sites/{SITE}/power")


def _offered(stage: Stage, most: int) -> list[int] | None:
    cars = [stage.hand("show", "AC0001", number)["offered"] for number in (1, 2)]
    if all(0 < each <= most for each in cars):
        return cars
    return None


def _since(begun: float) -> str:
    return f"{time.monotonic() - begun:.1f} s"


def fault(stage: Stage) -> None:
    """A station breaks: partners see it, an alarm is raised, acknowledged, and over when it is mended."""
    stage.hand("fail", "AC0003", 1, "GroundFailure")
    until(lambda: _changed(stage, "AC0003-1", "AVAILABLE") == "OUTOFORDER", "it is out of order at the sample eMSP")
    held("a ground failure at AC0003: its EVSE is OUTOFORDER at the sample eMSP")
    alarm = until(lambda: _alarms(stage), "an alarm is raised")[0]
    held(f"alarm {alarm['id']}, {alarm['severity']}: {alarm['message']}")
    seen = stage.api("POST", f"/alarms/{alarm['id']}/acknowledge", {"note": "somebody is on the way"})
    check(seen["acknowledged_by"] == "demo", f"acknowledged by {seen['acknowledged_by']}: {seen['note']}")
    stage.hand("mend", "AC0003", 1)
    until(lambda: not _alarms(stage), "the alarm is over")
    until(lambda: _changed(stage, "AC0003-1", "OUTOFORDER") == "AVAILABLE", "it is free again")
    held("mended: the alarm is over, the EVSE AVAILABLE")
    trail = stage.api("GET", "/audit")["items"]
    if not any(each["target"] == f"/alarms/{alarm['id']}/acknowledge" for each in trail):
        raise StepFailed(f"the audit log does not know it: {trail[:3]}")
    held("the audit log knows who did what")


def _alarms(stage: Stage) -> list[JSON]:
    return stage.api("GET", "/alarms?open=true&station_id=AC0003")["items"]


ACCESS = [
    ("An operator gets access: an administrator and a key", log_in),
    ("The operator says which stations stand where", place),
]
AT_WORK = [
    ("A change of a charger's status is at an eMSP within a second", status_in_time),
    ("The operator looks at the cars that charge", look),
    ("A site's limit is shared between two cars", share),
]
FAULTS = [("A station breaks, and the operator hears of it", fault)]
