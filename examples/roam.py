"""Two platforms exchange every OCPI module through the hub: 2.2.1, 2.3.0, and one with the other.

    python examples/roam.py                       starts a hub of its own by ``emall serve``
    HUB=https://hub.example.com/ocpi/versions TOKENS=A1,...,A8 python examples/roam.py

Nothing but httpx to call with and the standard library to be called: the whole of what a partner
needs. A line per exchange; exit code 0 if all held, 1 if one did not. With ``HUB`` give eight
CREDENTIALS_TOKEN_A, and run it where the hub can reach it (its address in ``HOST``).

Source: OCPI 2.2.1 and 2.3.0, all modules.
"""

import base64
import contextlib
import datetime
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import httpx

JSON = Any
HOST = os.environ.get("HOST", "127.0.0.1")
PATIENCE = 10.0  # seconds until what must arrive is missed

CPO_OFFERS = [
    ("locations", "SENDER"), ("tariffs", "SENDER"), ("sessions", "SENDER"), ("cdrs", "SENDER"),
    ("tokens", "RECEIVER"), ("commands", "RECEIVER"), ("chargingprofiles", "RECEIVER"), ("hubclientinfo", "RECEIVER"),
]  # fmt: skip
EMSP_OFFERS = [
    ("locations", "RECEIVER"), ("tariffs", "RECEIVER"), ("sessions", "RECEIVER"), ("cdrs", "RECEIVER"),
    ("tokens", "SENDER"), ("commands", "SENDER"), ("chargingprofiles", "SENDER"), ("hubclientinfo", "RECEIVER"),
]  # fmt: skip
NEW_CPO_OFFERS = [("bookings", "SENDER"), ("invoicereconciliation", "SENDER")]
NEW_EMSP_OFFERS = [("bookings", "RECEIVER"), ("invoicereconciliation", "RECEIVER")]


def now() -> str:
    """Return this moment as an OCPI DateTime."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def later(hours: float) -> str:
    """Return the moment some hours from now as an OCPI DateTime."""
    at = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=hours)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


class Failed(Exception):
    """An exchange did not hold."""


class Received:
    """One request that came in."""

    def __init__(self, method: str, path: str, headers: dict[str, str], body: bytes) -> None:
        parts = urlsplit(path)
        self.method, self.path, self.headers = method, parts.path, headers
        self.query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.body = json.loads(body) if body else None

    @property
    def sender(self) -> str:
        return f"{self.headers.get('ocpi-from-country-code')}-{self.headers.get('ocpi-from-party-id')}"


class Platform:
    """A platform of one party: an HTTP server in a thread, and an HTTP client.

    It remembers every request, and answers 1000 with what ``answers`` holds for the path's end.
    """

    def __init__(self, role: str, party: str, version: str) -> None:
        self.role, self.party, self.version = role, party, version
        self.token = f"token-b-{uuid.uuid4()}"
        self.hub_token = ""
        self.hub_party = ""
        self.modules: dict[tuple[str, str], str] = {}
        self.inbox: list[Received] = []
        self.answers: dict[tuple[str, str], Callable[[Received], tuple[JSON, dict[str, str]]]] = {}
        self.http = httpx.Client(timeout=30, trust_env=False)
        self.server = ThreadingHTTPServer((HOST, 0), self._handler())
        self.url = f"http://{HOST}:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def offers(self) -> list[tuple[str, str]]:
        old, new = (CPO_OFFERS, NEW_CPO_OFFERS) if self.role == "CPO" else (EMSP_OFFERS, NEW_EMSP_OFFERS)
        return old + new if self.version == "2.3.0" else old

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.http.close()

    # -- being called ------------------------------------------------------------------------------

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        platform = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                status, data, extra = platform.take(Received(self.command, self.path, headers, body))
                envelope = {"status_code": 1000 if status < 400 else 2001, "timestamp": now()}
                text = json.dumps(envelope | ({"data": data} if data is not None else {})).encode()
                self.send_response(status)
                for name in ("x-request-id", "x-correlation-id"):
                    if name in headers:
                        self.send_header(name, headers[name])
                for name, value in ({"Content-Type": "application/json"} | extra).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

            def log_message(self, *arguments: Any) -> None:
                """Say nothing: the exchanges are printed where they are made."""

        return Handler

    def take(self, request: Received) -> tuple[int, JSON, dict[str, str]]:
        """Answer a request: HTTP status, data, headers."""
        if request.headers.get("authorization") != f"Token {encoded(self.token)}":
            return 401, None, {}
        base = f"{self.url}/ocpi/{self.version}"
        if request.path == "/ocpi/versions":
            return 200, [{"version": self.version, "url": base}], {}
        if request.path == f"/ocpi/{self.version}":
            endpoints = [{"identifier": "credentials", "role": "SENDER", "url": f"{base}/credentials"}]
            endpoints += [
                {"identifier": module, "role": role, "url": f"{base}/{role.lower()}/{module}"}
                for module, role in self.offers
            ]
            return 200, {"version": self.version, "endpoints": endpoints}, {}
        self.inbox.append(request)
        for (method, end), make in self.answers.items():
            if method == request.method and request.path.endswith(end):
                data, headers = make(request)
                return 201 if "Location" in headers else 200, data, headers
        return 200, None, {}

    def got(self, method: str, end: str) -> Received:
        """Wait for a request whose path ends so, and take it out of the inbox."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            for request in self.inbox:
                if request.method == method and request.path.endswith(end):
                    self.inbox.remove(request)
                    return request
            time.sleep(0.01)
        raise Failed(f"{self.party} got no {method} {end} within {PATIENCE:g} s")

    # -- calling -----------------------------------------------------------------------------------

    def register(self, versions_url: str, token_a: str) -> None:
        """The credentials handshake, as its Sender."""
        self.hub_token = token_a
        versions = self._data(self.send("GET", versions_url))
        details = self._data(self.send("GET", next(e["url"] for e in versions if e["version"] == self.version)))
        self.modules = {(each["identifier"], each["role"]): each["url"] for each in details["endpoints"]}
        url = next(each["url"] for each in details["endpoints"] if each["identifier"] == "credentials")
        country_code, party_id = self.party.split("-")
        role = {
            "role": self.role, "country_code": country_code, "party_id": party_id,
            "business_details": {"name": f"Roaming {self.role}"},
        }  # fmt: skip
        mine = {"token": self.token, "url": f"{self.url}/ocpi/versions", "roles": [role]}
        given = self._data(self.send("POST", url, mine))
        self.hub_token = given["token"]
        first = given["roles"][0]
        joined = given.get("hub_party_id") or first["country_code"] + first["party_id"]
        self.hub_party = f"{joined[:2]}-{joined[2:]}"

    def leave(self) -> None:
        """DELETE credentials."""
        url = next(url for (module, _), url in self.modules.items() if module == "credentials")
        self._data(self.send("DELETE", url))

    def call(self, method: str, module: str, role: str, path: str = "", body: JSON = None, *, to: str = "") -> JSON:
        """Call a module of the hub and return the data of a success."""
        return self._data(self.ask(method, module, role, path, body, to=to))

    def ask(
        self, method: str, module: str, role: str, path: str = "", body: JSON = None, *, to: str = ""
    ) -> httpx.Response:
        return self.send(method, self.modules[module, role].rstrip("/") + path, body, to=to)

    def send(self, method: str, url: str, body: JSON = None, *, to: str = "") -> httpx.Response:
        """Send one request to an absolute URL."""
        headers = {
            "Authorization": f"Token {encoded(self.hub_token)}", "X-Request-ID": str(uuid.uuid4()),
            "X-Correlation-ID": str(uuid.uuid4()),
        }  # fmt: skip
        if to:
            for way, party in (("from", self.party), ("to", to)):
                headers[f"OCPI-{way}-country-code"], headers[f"OCPI-{way}-party-id"] = party.split("-")
        return self.http.request(method, url, headers=headers, json=body)

    def _data(self, response: httpx.Response) -> JSON:
        envelope = response.json()
        if not 1000 <= envelope["status_code"] < 2000:
            request = response.request
            raise Failed(f"{request.method} {request.url}: {envelope['status_code']} {envelope.get('status_message')}")
        return envelope.get("data")


def encoded(token: str) -> str:
    """Return a credentials token as the Authorization header carries it."""
    return base64.b64encode(token.encode()).decode()


def check(condition: Any, what: str) -> None:
    """Fail the exchange unless the condition holds."""
    if not condition:
        raise Failed(what)


class Roaming:
    """All exchanges between one CPO and one eMSP."""

    def __init__(self, cpo: Platform, emsp: Platform) -> None:
        self.cpo, self.emsp = cpo, emsp
        self.owned = "/" + cpo.party.replace("-", "/")
        self.ids = dict(zip(("country_code", "party_id"), cpo.party.split("-"), strict=True))
        self.emsp_owned = "/" + emsp.party.replace("-", "/")
        self.emsp_ids = dict(zip(("country_code", "party_id"), emsp.party.split("-"), strict=True))
        self.count = 0

    def run(self) -> None:
        """Exchange everything both of them speak."""
        for exchange in (
            self.locations, self.tariffs, self.tokens, self.sessions, self.cdrs, self.commands,
            self.charging_profiles, self.hub_client_info,
        ):  # fmt: skip
            exchange()
        if self.cpo.version == self.emsp.version == "2.3.0":
            self.bookings()
            self.invoice_reconciliation()

    def done(self, what: str) -> None:
        """Print an exchange that held."""
        self.count += 1
        print(f"ok  {self.cpo.version} with {self.emsp.version}  {what}", flush=True)

    # -- objects -----------------------------------------------------------------------------------

    def connector(self) -> JSON:
        return {
            "id": "1", "standard": "IEC_62196_T2", "format": "SOCKET", "power_type": "AC_3_PHASE", "max_voltage": 230,
            "max_amperage": 32, "tariff_ids": ["T1"], "last_updated": now(),
        }  # fmt: skip

    def evse(self) -> JSON:
        return {
            "uid": "E1", "evse_id": f"{self.ids['country_code']}*{self.ids['party_id']}*E1", "status": "AVAILABLE",
            "connectors": [self.connector()], "last_updated": now(),
        }  # fmt: skip

    def location(self) -> JSON:
        return self.ids | {
            "id": "L1", "publish": True, "name": "Roaming corner", "address": "Corner 1", "city": "Lindenhaven",
            "country": "NLD", "coordinates": {"latitude": "52.614000", "longitude": "4.231000"},
            "evses": [self.evse()], "time_zone": "Europe/Amsterdam", "last_updated": now(),
        }  # fmt: skip

    def tariff(self) -> JSON:
        component = {"type": "ENERGY", "price": 0.25, "vat": 21, "step_size": 1}
        tariff = self.ids | {
            "id": "T1", "currency": "EUR", "elements": [{"price_components": [component]}], "last_updated": now()
        }  # fmt: skip
        return tariff | ({"tax_included": "NO"} if self.cpo.version == "2.3.0" else {})

    def token(self) -> JSON:
        return self.emsp_ids | {
            "uid": "CARD-1", "type": "RFID", "contract_id": "CONTRACT-1", "issuer": "Roaming eMSP", "valid": True,
            "whitelist": "NEVER", "last_updated": now(),
        }  # fmt: skip

    def cdr_token(self) -> JSON:
        return {name: self.token()[name] for name in ("country_code", "party_id", "uid", "type", "contract_id")}

    def session(self) -> JSON:
        return self.ids | {
            "id": "S1", "start_date_time": now(), "kwh": 0, "cdr_token": self.cdr_token(), "auth_method": "COMMAND",
            "location_id": "L1", "evse_uid": "E1", "connector_id": "1", "currency": "EUR", "status": "ACTIVE",
            "last_updated": now(),
        }  # fmt: skip

    def price(self, amount: float) -> JSON:
        return {"before_taxes": amount} if self.cpo.version == "2.3.0" else {"excl_vat": amount}

    def cdr(self) -> JSON:
        place = {
            name: value for name, value in self.location().items()
            if name in ("id", "name", "address", "city", "country", "coordinates")
        } | {
            "evse_uid": "E1", "evse_id": "#NA", "connector_id": "1", "connector_standard": "IEC_62196_T2",
            "connector_format": "SOCKET", "connector_power_type": "AC_3_PHASE",
        }  # fmt: skip
        return self.ids | {
            "id": f"CDR-{uuid.uuid4().hex[:8]}", "start_date_time": later(-1), "end_date_time": now(),
            "session_id": "S1", "cdr_token": self.cdr_token(), "auth_method": "COMMAND", "cdr_location": place,
            "currency": "EUR", "total_cost": self.price(2.5), "total_energy": 10, "total_time": 1,
            "charging_periods": [{"start_date_time": later(-1), "dimensions": [{"type": "ENERGY", "volume": 10}]}],
            "last_updated": now(),
        }  # fmt: skip

    # -- modules -----------------------------------------------------------------------------------

    def locations(self) -> None:
        cpo, emsp, path = self.cpo, self.emsp, f"{self.owned}/L1"
        location = self.location()
        cpo.call("PUT", "locations", "RECEIVER", path, location, to=cpo.hub_party)
        received = emsp.got("PUT", f"locations{path}")
        check(received.body["id"] == "L1", "the Location that arrived is another")
        check(received.sender == emsp.hub_party, f"a broadcast comes from the hub, not {received.sender}")
        self.done("locations  PUT Location, broadcast")
        for end, body in (("/E1", self.evse()), ("/E1/1", self.connector())):
            cpo.call("PUT", "locations", "RECEIVER", path + end, body, to=cpo.hub_party)
            emsp.got("PUT", f"locations{path}{end}")
        self.done("locations  PUT EVSE and Connector, broadcast")
        change = {"status": "CHARGING", "last_updated": now()}
        cpo.call("PATCH", "locations", "RECEIVER", f"{path}/E1", change, to=cpo.hub_party)
        check(emsp.got("PATCH", f"locations{path}/E1").body == change, "the PATCH changed on its way")
        self.done("locations  PATCH EVSE, broadcast")
        listed = self.all_of(emsp, "locations", emsp.hub_party)
        mine = next(e for e in listed if e["id"] == "L1" and e["party_id"] == self.ids["party_id"])
        check(mine["evses"][0]["status"] == "CHARGING", "GET All shows an old status")
        self.done("locations  GET All from the hub")
        cpo.answers["GET", "sender/locations"] = lambda _: ([location], {"X-Total-Count": "1", "X-Limit": "50"})
        check(emsp.call("GET", "locations", "SENDER", to=cpo.party)[0]["id"] == "L1", "the list is another")
        self.done("locations  GET list from the CPO itself")
        cpo.answers["GET", "sender/locations/L1"] = lambda _: (location, {})
        check(emsp.call("GET", "locations", "SENDER", "/L1", to=cpo.party)["id"] == "L1", "the Location is another")
        self.done("locations  GET object from the CPO itself")
        emsp.answers["GET", f"locations{path}"] = lambda _: (received.body, {})
        check(cpo.call("GET", "locations", "RECEIVER", path, to=emsp.party)["id"] == "L1", "it reads back otherwise")
        self.done("locations  GET what the eMSP has")

    def all_of(self, platform: Platform, module: str, to: str, **filters: str) -> list[JSON]:
        """Crawl a list along Link."""
        url = platform.modules[module, "SENDER"] + f"?{urlencode({'limit': 50, **filters})}"
        found: list[JSON] = []
        while url:
            response = platform.send("GET", url, to=to)
            found += platform._data(response)
            link = response.headers.get("link", "")
            url = link[link.index("<") + 1 : link.index(">")] if 'rel="next"' in link else ""
        return found

    def tariffs(self) -> None:
        cpo, emsp, path = self.cpo, self.emsp, f"{self.owned}/T1"
        cpo.call("PUT", "tariffs", "RECEIVER", path, self.tariff(), to=emsp.party)
        received = emsp.got("PUT", f"tariffs{path}")
        check(("tax_included" in received.body) == (emsp.version == "2.3.0"), "the Tariff is not of the right version")
        check(received.sender == cpo.party, f"a directed push comes from the CPO, not {received.sender}")
        self.done("tariffs  PUT, directed")
        emsp.answers["GET", f"tariffs{path}"] = lambda _: (received.body, {})
        check(cpo.call("GET", "tariffs", "RECEIVER", path, to=emsp.party)["id"] == "T1", "it reads back otherwise")
        self.done("tariffs  GET what the eMSP has")
        cpo.answers["GET", "sender/tariffs"] = lambda _: ([self.tariff()], {"X-Total-Count": "1", "X-Limit": "50"})
        check(emsp.call("GET", "tariffs", "SENDER", to=cpo.party)[0]["id"] == "T1", "the list is another")
        self.done("tariffs  GET list")
        cpo.call("DELETE", "tariffs", "RECEIVER", path, to=emsp.party)
        emsp.got("DELETE", f"tariffs{path}")
        self.done("tariffs  DELETE")

    def tokens(self) -> None:
        cpo, emsp, path = self.cpo, self.emsp, f"{self.emsp_owned}/CARD-1"
        token = self.token()
        emsp.call("PUT", "tokens", "RECEIVER", path, token, to=emsp.hub_party)
        check(cpo.got("PUT", f"tokens{path}").body == token, "the Token changed on its way")
        self.done("tokens  PUT, broadcast")
        change = {"valid": True, "last_updated": now()}
        emsp.call("PATCH", "tokens", "RECEIVER", path, change, to=emsp.hub_party)
        check(cpo.got("PATCH", f"tokens{path}").body == change, "the PATCH changed on its way")
        self.done("tokens  PATCH, broadcast")
        cpo.answers["GET", f"tokens{path}"] = lambda _: (token, {})
        check(emsp.call("GET", "tokens", "RECEIVER", path, to=cpo.party)["uid"] == "CARD-1", "it reads back otherwise")
        self.done("tokens  GET what the CPO has")
        emsp.answers["GET", "sender/tokens"] = lambda _: ([token], {"X-Total-Count": "1", "X-Limit": "50"})
        check(cpo.call("GET", "tokens", "SENDER", to=emsp.party)[0]["uid"] == "CARD-1", "the list is another")
        self.done("tokens  GET list")
        emsp.answers["POST", "/CARD-1/authorize"] = lambda request: (
            {"allowed": "ALLOWED", "token": token, "location": request.body}, {}
        )  # fmt: skip
        place = {"location_id": "L1", "evse_uids": ["E1"]}
        info = cpo.call("POST", "tokens", "SENDER", "/CARD-1/authorize?type=RFID", place, to=emsp.party)
        check(info["allowed"] == "ALLOWED" and info["location"] == place, "the AuthorizationInfo is another")
        check(emsp.got("POST", "/authorize").query == {"type": "RFID"}, "the type was lost")
        self.done("tokens  POST authorize")

    def sessions(self) -> None:
        cpo, emsp, path = self.cpo, self.emsp, f"{self.owned}/S1"
        session = self.session()
        cpo.call("PUT", "sessions", "RECEIVER", path, session, to=emsp.party)
        check(emsp.got("PUT", f"sessions{path}").body["id"] == "S1", "the Session is another")
        self.done("sessions  PUT")
        change = {"kwh": 3.5, "last_updated": now()}
        cpo.call("PATCH", "sessions", "RECEIVER", path, change, to=emsp.party)
        check(emsp.got("PATCH", f"sessions{path}").body == change, "the PATCH changed on its way")
        self.done("sessions  PATCH")
        emsp.answers["GET", f"sessions{path}"] = lambda _: (session, {})
        check(cpo.call("GET", "sessions", "RECEIVER", path, to=emsp.party)["id"] == "S1", "it reads back otherwise")
        self.done("sessions  GET what the eMSP has")
        cpo.answers["GET", "sender/sessions"] = lambda _: ([session], {"X-Total-Count": "1", "X-Limit": "50"})
        listed = emsp.call("GET", "sessions", "SENDER", f"?date_from={quote(later(-1))}", to=cpo.party)
        check(listed[0]["id"] == "S1", "the list is another")
        self.done("sessions  GET list")
        cpo.answers["PUT", "/S1/charging_preferences"] = lambda _: ("ACCEPTED", {})
        wishes = {"profile_type": "FAST"}
        answer = emsp.call("PUT", "sessions", "SENDER", "/S1/charging_preferences", wishes, to=cpo.party)
        check(answer == "ACCEPTED", f"the answer to the preferences is {answer!r}")
        self.done("sessions  PUT charging preferences")

    def cdrs(self) -> None:
        cpo, emsp = self.cpo, self.emsp
        cdr = self.cdr()
        url = f"{emsp.url}/ocpi/{emsp.version}/receiver/cdrs/{cdr['id']}"
        emsp.answers["POST", "receiver/cdrs"] = lambda _: (None, {"Location": url})
        response = cpo.ask("POST", "cdrs", "RECEIVER", "", cdr, to=emsp.party)
        cpo._data(response)
        received = emsp.got("POST", "receiver/cdrs")
        cost = received.body["total_cost"]
        check(cost["before_taxes" if emsp.version == "2.3.0" else "excl_vat"] == 2.5, f"the cost arrived as {cost}")
        self.done("cdrs  POST")
        emsp.answers["GET", f"/cdrs/{cdr['id']}"] = lambda _: (received.body, {})
        got = cpo._data(cpo.send("GET", response.headers["location"], to=emsp.party))
        check(got["id"] == cdr["id"], "the CDR at its Location is another")
        self.done("cdrs  GET at the Location the eMSP gave")
        cpo.answers["GET", "sender/cdrs"] = lambda _: ([cdr], {"X-Total-Count": "1", "X-Limit": "50"})
        check(emsp.call("GET", "cdrs", "SENDER", to=cpo.party)[0]["id"] == cdr["id"], "the list is another")
        self.done("cdrs  GET list")

    def commands(self) -> None:
        place = {"location_id": "L1", "evse_uid": "E1"}
        bodies = {
            "RESERVE_NOW": {"token": self.token(), "expiry_date": later(1), "reservation_id": "R1", **place},
            "CANCEL_RESERVATION": {"reservation_id": "R1"},
            "START_SESSION": {"token": self.token(), **place},
            "STOP_SESSION": {"session_id": "S1"},
            "UNLOCK_CONNECTOR": {**place, "connector_id": "1"},
        }
        for command, body in bodies.items():
            self.command(command, body)

    def command(self, command: str, body: JSON) -> None:
        """One command: its answer at once, its result later at the URL the hub lent."""
        cpo, emsp = self.cpo, self.emsp
        cpo.answers["POST", f"commands/{command}"] = lambda _: ({"result": "ACCEPTED", "timeout": 30}, {})
        mine = f"{emsp.url}/ocpi/{emsp.version}/sender/commands/{command}/{uuid.uuid4()}"
        answer = emsp.call("POST", "commands", "RECEIVER", f"/{command}", body | {"response_url": mine}, to=cpo.party)
        check(answer["result"] == "ACCEPTED", f"{command} was answered {answer}")
        lent = cpo.got("POST", f"commands/{command}").body["response_url"]
        check(urlsplit(lent).netloc != urlsplit(mine).netloc, "the response_url is not the hub's")
        cpo._data(cpo.send("POST", lent, {"result": "ACCEPTED"}, to=emsp.party))
        check(emsp.got("POST", urlsplit(mine).path).body == {"result": "ACCEPTED"}, "the result is another")
        self.done(f"commands  {command} and its result")

    def charging_profiles(self) -> None:
        profile = {"charging_rate_unit": "W", "charging_profile_period": [{"start_period": 0, "limit": 11000}]}
        active = {"start_date_time": now(), "charging_profile": profile}
        self.profile("PUT", "chargingprofile", {"charging_profile": profile}, {"result": "ACCEPTED"})
        self.profile("GET", "activechargingprofile", None, {"result": "ACCEPTED", "profile": active})
        self.profile("DELETE", "clearprofile", None, {"result": "ACCEPTED"})
        self.cpo.call("PUT", "chargingprofiles", "SENDER", "/S1", active, to=self.emsp.party)
        check(self.emsp.got("PUT", "sender/chargingprofiles/S1").body == active, "the profile changed on its way")
        self.done("chargingprofiles  PUT ActiveChargingProfile by the CPO")

    def profile(self, method: str, kind: str, body: JSON, result: JSON) -> None:
        """One profile request: its answer at once, its result later at the URL the hub lent."""
        cpo, emsp = self.cpo, self.emsp
        cpo.answers[method, "chargingprofiles/S1"] = lambda _: ({"result": "ACCEPTED", "timeout": 30}, {})
        mine = f"{emsp.url}/ocpi/{emsp.version}/sender/chargingprofiles/{kind}/{uuid.uuid4()}"
        query = {"duration": "900", "response_url": mine} if method == "GET" else {"response_url": mine}
        path = "/S1" if body else f"/S1?{urlencode(query)}"
        sent = body | {"response_url": mine} if body else None
        answer = emsp.call(method, "chargingprofiles", "RECEIVER", path, sent, to=cpo.party)
        check(answer["result"] == "ACCEPTED", f"{method} was answered {answer}")
        request = cpo.got(method, "chargingprofiles/S1")
        lent = request.body["response_url"] if body else request.query["response_url"]
        check(body or method != "GET" or request.query["duration"] == "900", "the duration was lost")
        cpo._data(cpo.send("POST", lent, result, to=emsp.party))
        check(emsp.got("POST", urlsplit(mine).path).body == result, "the result is another")
        self.done(f"chargingprofiles  {method} and its result")

    def hub_client_info(self) -> None:
        for platform, other in ((self.cpo, self.emsp), (self.emsp, self.cpo)):
            listed = self.all_of(platform, "hubclientinfo", "")
            entry = next((e for e in listed if f"{e['country_code']}-{e['party_id']}" == other.party), None)
            check(entry and entry["status"] == "CONNECTED", f"{other.party} is listed as {entry}")
        self.done("hubclientinfo  GET list, both sides")
        # The CPO was there when the eMSP came: the hub told it.
        told = self.cpo.got("PUT", f"hubclientinfo{self.emsp_owned}")
        check(told.body["role"] == "EMSP", f"told: {told.body}")
        check("ocpi-from-party-id" not in told.headers, "a Configuration Module has routing headers")
        self.done("hubclientinfo  PUT by the hub")

    # -- 2.3.0 alone -------------------------------------------------------------------------------

    def bookings(self) -> None:
        cpo, emsp = self.cpo, self.emsp
        period = {"start_date_time": later(2), "end_date_time": later(3)}
        terms = {"supported_access_methods": ["OPEN"], "change_until_minutes": 30, "cancel_until_minutes": 30}
        calendar = {
            "id": "C1", "begin_from": later(0), "end_before": later(24), "available_timeslots": [period],
            "last_updated": now(),
        }  # fmt: skip
        bookable = self.ids | {
            "id": "BL1", "location_id": "L1", "booking_option": {"evse_uid": "E1"}, "booking_terms": terms,
            "calendars": [calendar], "last_updated": now(),
        }  # fmt: skip
        path = f"{self.owned}/booking_locations/BL1"
        cpo.call("PUT", "bookings", "RECEIVER", path, bookable, to=emsp.party)
        check(emsp.got("PUT", f"bookings{path}").body == bookable, "the BookingLocation changed on its way")
        cpo.call("PUT", "bookings", "RECEIVER", f"{path}/C1", calendar, to=emsp.party)
        emsp.got("PUT", f"bookings{path}/C1")
        self.done("bookings  PUT BookingLocation and Calendar")
        cpo.answers["GET", "bookings/booking_locations"] = lambda _: ([bookable], {"X-Total-Count": "1"})
        listed = emsp.call("GET", "bookings", "SENDER", "/booking_locations", to=cpo.party)
        check(listed == [bookable], "the list is another")
        self.done("bookings  GET BookingLocations")
        wish = self.emsp_ids | {
            "request_id": "BR1", "location_id": "L1", "booking_location_id": "BL1", "period": period,
            "authorization_reference": "AUTH-1",
        }  # fmt: skip
        status = {"request_status": "PENDING", "booking_request": wish, "request_received": now()}
        booking = self.ids | {
            "id": "B1", "request_id": "BR1", "location_id": "L1", "period": period, "reservation_status": "PENDING",
            "authorization_reference": "AUTH-1", "booking_terms": terms, "booking_requests": [status],
            "last_updated": now(),
        }  # fmt: skip
        cpo.answers["POST", "sender/bookings"] = lambda _: (booking, {})
        made = emsp.call("POST", "bookings", "SENDER", "", wish, to=cpo.party)
        check(made["reservation_status"] == "PENDING", f"booked: {made}")
        self.done("bookings  POST BookingRequest")
        cpo.call("PUT", "bookings", "RECEIVER", f"{self.owned}/B1", booking, to=emsp.party)
        emsp.got("PUT", f"bookings{self.owned}/B1")
        change = {"reservation_status": "RESERVED", "last_updated": now()}
        cpo.call("PATCH", "bookings", "RECEIVER", f"{self.owned}/B1", change, to=emsp.party)
        check(emsp.got("PATCH", f"bookings{self.owned}/B1").body == change, "the PATCH changed on its way")
        self.done("bookings  PUT and PATCH Booking")

    def invoice_reconciliation(self) -> None:
        cpo, emsp, path = self.cpo, self.emsp, f"{self.owned}/INV-1"
        record = self.ids | {"id": "INV-1", "invoice_id": "2026-0001", "cdrs": ["CDR-1"], "last_updated": now()}
        cpo.call("POST", "invoicereconciliation", "RECEIVER", "", record, to=emsp.party)
        check(emsp.got("POST", "receiver/invoicereconciliation").body == record, "the record changed on its way")
        cpo.call("PUT", "invoicereconciliation", "RECEIVER", path, record, to=emsp.party)
        emsp.got("PUT", f"invoicereconciliation{path}")
        emsp.answers["GET", f"invoicereconciliation{path}"] = lambda _: (record, {})
        check(cpo.call("GET", "invoicereconciliation", "RECEIVER", path, to=emsp.party) == record, "reads otherwise")
        cpo.call("DELETE", "invoicereconciliation", "RECEIVER", path, to=emsp.party)
        emsp.got("DELETE", f"invoicereconciliation{path}")
        self.done("invoicereconciliation  POST, PUT, GET, DELETE")
        cpo.answers["GET", "sender/invoicereconciliation"] = lambda _: ([record], {"X-Total-Count": "1"})
        check(emsp.call("GET", "invoicereconciliation", "SENDER", to=cpo.party) == [record], "the list is another")
        self.done("invoicereconciliation  GET list")


# -- a hub to roam through -----------------------------------------------------------------------------


def emall() -> list[str]:
    """Return the command, from the environment this runs in."""
    command = Path(sys.executable).parent / "emall"
    return [str(command)] if command.exists() else ["emall"]


@contextlib.contextmanager
def own_hub() -> Iterator[tuple[str, Callable[[], str]]]:
    """Run ``emall serve`` in a temporary folder; yield its versions URL and how to be invited."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="emall-roam-") as folder:
        log = Path(folder, "hub.log")
        command = [
            *emall(), "serve", "--port", str(port), "--data", folder, "--rooms", "hub", "--allow-private-peers"
        ]  # fmt: skip
        with log.open("wb") as output:
            hub = subprocess.Popen(command, stdout=output, stderr=output)
        url = f"http://127.0.0.1:{port}/ocpi/versions"

        def invite() -> str:
            invited = [*emall(), "party", "invite", "--name", f"roam-{uuid.uuid4().hex[:6]}", "--json"]
            done = subprocess.run([*invited, "--data", folder], capture_output=True, text=True, check=False)
            check(done.returncode == 0, f"no invitation: {done.stderr.strip()}")
            return json.loads(done.stdout)["token"]

        try:
            wait_for(url, hub, log)
            yield url, invite
        finally:
            hub.terminate()
            hub.wait(15)


def wait_for(url: str, hub: "subprocess.Popen[bytes]", log: Path) -> None:
    """Return once the hub answers; fail if it has ended."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and hub.poll() is None:
        with contextlib.suppress(httpx.HTTPError):
            httpx.get(url, trust_env=False)
            return
        time.sleep(0.05)
    raise Failed(f"the hub does not answer: {log.read_text()[-500:]}")


@contextlib.contextmanager
def given_hub() -> Iterator[tuple[str, Callable[[], str]]]:
    """Use the hub of the environment."""
    tokens = iter(os.environ.get("TOKENS", "").split(","))
    yield os.environ["HUB"], lambda: next(tokens)


def roam(versions_url: str, invite: Callable[[], str], number: int, cpo_version: str, emsp_version: str) -> int:
    """Register two platforms, exchange everything, and leave; return how many exchanges there were."""
    cpo = Platform("CPO", f"NL-C{number:02}", cpo_version)
    emsp = Platform("EMSP", f"DE-E{number:02}", emsp_version)
    try:
        for platform in (cpo, emsp):
            platform.register(versions_url, invite())
            print(f"ok  {platform.party} registered, {platform.version}", flush=True)
        roaming = Roaming(cpo, emsp)
        roaming.run()
        for platform in (emsp, cpo):
            platform.leave()
        return roaming.count
    finally:
        cpo.close()
        emsp.close()


def main() -> int:
    """Roam in every pairing; return the exit code."""
    pairings = [("2.2.1", "2.2.1"), ("2.3.0", "2.3.0"), ("2.2.1", "2.3.0"), ("2.3.0", "2.2.1")]
    try:
        with given_hub() if "HUB" in os.environ else own_hub() as (versions_url, invite):
            counts = [roam(versions_url, invite, n, *pairing) for n, pairing in enumerate(pairings, 1)]
    except (Failed, httpx.HTTPError, KeyError, ValueError, IndexError, StopIteration) as error:
        print(f"FAILED  {type(error).__name__}: {error}", flush=True)
        return 1
    print(f"{sum(counts)} exchanges held in {len(counts)} pairings")
    return 0


if __name__ == "__main__":
    sys.exit(main())
