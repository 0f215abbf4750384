"""Every setting, with its unit and default; the command line and the environment fill them in."""

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

Unknown = Literal["refuse", "wait", "accept"]

ROOMS = frozenset({"hub", "cpms", "emsp"})

#: What may operate the stations of our CPMS.
CPMS = ("builtin", "simulator", "rest")

#: Longest public URL: what the hub lends is this and a path, and an OCPI URL has at most 255 characters.
MAX_PUBLIC_URL = 120

#: Settings without an option: EMALL_ and the name in capitals sets them. Each with the least it may be.
FINE = {
    "max_body": 1024,
    "max_answer": 1024,
    "page_limit": 1,
    "still_alive_after": 1,
    "offline_after_timeouts": 1,
    "probe_first": 0.1,
    "probe_every": 1,
    "rate_limit": 0,
    "concurrency": 1,
    "queue_limit": 1,
    "deliveries_at_once": 1,
    "trace_days": 1,
    "callback_days": 30,
    "ocpp_max_frame": 1024,
    "ocpp_log_days": 1,
    "heartbeat": 10,
    "car_timeout": 5,
    "meter_silence": 10,
    "lost_after": 10,
    "longest_session": 60,
    "cost_every": 0,
    "status_grace": 0,
    "offline_inoperative": 0,
    "alarm_offline": 10,
    "alarm_silent": 10,
    "alarm_hot": 20,
    "stop_when_full": 0,
    "concurrent_tokens": 0,
    "metrics": 0,
    "simulator_speed": 0.001,
    "simulator_tick": 0.1,
    "login_hints": 0,
}

#: Settings without an option that are text.
TEXTS = (
    "test_tokens", "mail_url", "mail_from", "app_url", "brands", "terms", "valhalla_url", "osrm_url", "grid_mix",
    "invoice_reference", "home_locations", "certificate_pool",
)  # fmt: skip


class BadSetting(Exception):
    """A setting that cannot be used; the message is one line that ends with a remedy."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How one process is run.

    Attributes:
        data: folder of the embedded store and the keys.
        database: URL of the store; None: SQLite in ``data``.
        public_url: where peers reach us; no trailing slash; empty: ``http://HOST:PORT`` as served.
        rooms: which of hub, cpms and emsp this process runs.
        hub_id: the hub's own party, CC-PID; ``cpo_id`` and ``emsp_id`` those of our CPMS and eMSP.
        hub_url: versions URL of the hub that rooms run apart from one register at; ``hub_token`` the token for that.
        allow_private_peers: whether a peer's URL may lead to a private or loopback address.
        forward_timeout: how long a party may take to answer a routed request, in seconds.
        max_body: the largest request body taken, in bytes.
        max_answer: the largest answer of a party relayed, in bytes.
        page_limit: the most objects in one page (X-Limit).
        still_alive_after: silence after which a party is asked for its versions, in seconds.
        offline_after_timeouts: unanswered requests in a row after which a party is OFFLINE.
        probe_first: seconds after going OFFLINE until the first probe.
        probe_every: the longest pause between probes, in seconds.
        rate_limit: requests per second and connection; 0: no limit.
        concurrency: requests in flight to one party at most.
        queue_limit: deliveries that may wait for one party.
        deliveries_at_once: deliveries in flight to all parties together; a party has one, and so many that do not
            answer hold up the others.
        trace_days: how long hops are kept, in days.
        callback_days: how long a lent response_url is kept, in days (at least 30).
        operation_centre: URL each alarm of our CPMS is POSTed to; None: alarms are in the log.
        certificate_pool: URL that cars' requests for contract certificates are POSTed to; empty: they are refused.
        cpms: what operates the stations if none connect here: simulator, or rest, another maker's at ``cpms_url``
            with ``cpms_key``.
        simulator_speed: how many times faster than a real one a simulated station delivers energy.
        simulator_tick: seconds between two meter readings of a simulated station.
        ocpp_port: where stations connect; None: nowhere.
        ocpp_unknown: what becomes of stations nobody added: refuse, wait or accept.
        ocpp_certificate: chain of the stations' listener (PEM); None: it has no TLS.
        ocpp_key: its key (PEM); None: it is in the same file.
        ocpp_client_ca: authorities whose client certificates are trusted (PEM), beside our own.
        ocpp_max_frame: the longest message of a station, in bytes.
        ocpp_log_days: how long frames are kept, in days.
        heartbeat: how often stations say that they are there, in seconds.
        car_timeout: how long a car is awaited that is to be charged, in seconds.
        meter_silence: without a meter reading, until a charging station is asked for one, in seconds.
        lost_after: until a transaction that seems over, and was not ended, is ended by its last reading, in seconds.
        longest_session: after which a session is stopped, in seconds.
        cost_every: for which a station that shows costs goes without hearing of them, in seconds; 0: only as it tells.
        status_grace: how long a station may be without connection before its EVSEs show it, in seconds.
        offline_inoperative: 1: they are INOPERATIVE then; 0: UNKNOWN.
        alarm_offline: how long it may be so before an alarm is raised, in seconds.
        alarm_silent: how long a transaction may say nothing before an alarm is raised, in seconds.
        alarm_hot: temperature above which an alarm is raised, in Celsius.
        stop_when_full: 1: a session ends when its car says that it is full, and does not go on to parking.
        concurrent_tokens: 0: one token charges at one place at a time.
        test_tokens: uids of the operator's testers, by comma; they charge 5 minutes, unbilled.
        invoice_reference: of the invoice a CDR will be on, as {emsp}-{year}-{month}; empty: none is told.
        home_locations: ids of Locations that are drivers' own, by comma: CDRs say that they are compensated.
        mail_url: SMTP server of letters to drivers, smtp://user:password@host:587; empty: they are files in ``data``.
        mail_from: address they come from.
        app_url: of the app's pages that links in letters lead to; empty: our own.
        brands: file of the eMSP's brands that have an identity provider (JSON).
        terms: file of the eMSP's prices, taxes, tolerances and times (JSON); it is followed.
        valhalla_url: server the way to a charger is asked of, and ``osrm_url`` another; neither: the demo's town alone.
        grid_mix: file of what countries' electricity emits, where stations do not tell (JSON).
        login_hints: 1: a wrong log-in of a driver is told what was wrong (decision 0030).
        metrics: 1: counters are shown at /metrics, to whoever asks.
        given: the names of the ids the operator gave; the others are those of the first start.
        stripe_key: secret key of the Stripe account drivers pay by; None: payments are simulated.
        stripe_webhook_secret: of the endpoint Stripe calls, /emsp/api/v1/payment-webhook.
    """

    data: Path = Path("data")
    database: str | None = None
    host: str = "127.0.0.1"
    port: int = 8000
    public_url: str = ""
    rooms: frozenset[str] = ROOMS
    hub_id: str = "NL-HUB"
    cpo_id: str = "NL-CPO"
    emsp_id: str = "NL-MSP"
    hub_url: str | None = None
    hub_token: str | None = None
    allow_private_peers: bool = False
    forward_timeout: float = 30.0
    max_body: int = 8 * 1024 * 1024
    max_answer: int = 32 * 1024 * 1024
    page_limit: int = 100
    still_alive_after: float = 300.0
    offline_after_timeouts: int = 3
    probe_first: float = 5.0
    probe_every: float = 300.0
    rate_limit: float = 0.0
    concurrency: int = 64
    queue_limit: int = 10_000
    deliveries_at_once: int = 1024
    trace_days: int = 7
    callback_days: int = 60
    ocpp_host: str = "127.0.0.1"
    ocpp_port: int | None = None
    ocpp_unknown: Unknown = "refuse"
    ocpp_certificate: Path | None = None
    ocpp_key: Path | None = None
    ocpp_client_ca: Path | None = None
    ocpp_max_frame: int = 1024 * 1024
    ocpp_log_days: int = 30
    heartbeat: int = 300
    car_timeout: float = 60.0
    meter_silence: float = 300.0
    lost_after: float = 3600.0
    longest_session: float = 86_400.0
    cost_every: float = 60.0
    status_grace: float = 90.0
    offline_inoperative: int = 0
    alarm_offline: float = 300.0
    alarm_silent: float = 1800.0
    alarm_hot: float = 80.0
    stop_when_full: int = 0
    concurrent_tokens: int = 1
    test_tokens: str = ""
    invoice_reference: str = ""
    home_locations: str = ""
    mail_url: str = ""
    mail_from: str = "emall@localhost"
    app_url: str = ""
    brands: str = ""
    terms: str = ""
    valhalla_url: str = ""
    osrm_url: str = ""
    grid_mix: str = ""
    login_hints: int = 1
    metrics: int = 0
    cpms: str = "builtin"
    cpms_url: str | None = None
    operation_centre: str | None = None
    certificate_pool: str = ""
    stripe_key: str | None = None
    stripe_webhook_secret: str | None = None
    cpms_key: str | None = None
    simulator_speed: float = 1.0
    simulator_tick: float = 15.0
    given: frozenset[str] = frozenset()

    @property
    def store(self) -> str | Path:
        """Where the store is, as ``hub.database.open_database`` takes it."""
        return self.database or self.data

    @property
    def ids(self) -> dict[str, str]:
        """The party ids of the rooms this process runs, by setting."""
        named = {"hub": "hub_id", "cpms": "cpo_id", "emsp": "emsp_id"}
        return {name: getattr(self, name) for room, name in named.items() if room in self.rooms}

    def served_at(self, port: int) -> "Settings":
        """Return the settings with the port really listened at, and the public URL that follows from it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return dataclasses.replace(self, port=port, public_url=self.public_url or f"http://{host}:{port}")


def fine_settings(environment: Mapping[str, str]) -> dict[str, int | float | str]:
    """Return the settings that have a variable only, as far as it is set.

    Raises:
        BadSetting: one is no number, or too small.
    """
    found: dict[str, int | float | str] = {}
    for name in TEXTS:
        if given := environment.get(f"EMALL_{name.upper()}", "").strip():
            found[name] = given
    for name, least in FINE.items():
        variable = f"EMALL_{name.upper()}"
        text = environment.get(variable, "").strip()
        if not text:
            continue
        whole = isinstance(getattr(Settings, name), int)
        try:
            value = int(text) if whole else float(text)
        except ValueError:
            value = float("nan")
        if not least <= value < float("inf"):
            kind = "a whole number" if whole else "a number"
            raise BadSetting(f"{variable}={text!r} is not {kind} of at least {least:g}; correct or unset it")
        found[name] = value
    return found


def checked(settings: Settings) -> Settings:
    """Return the settings with ids and URLs in their one form.

    Raises:
        BadSetting: one is malformed, or they contradict each other.
    """
    _check_rooms(settings)
    _check_chargers(settings)
    _check_cpms(settings)
    if (settings.stripe_key is None) != (settings.stripe_webhook_secret is None):
        raise BadSetting("--stripe-key and --stripe-webhook-secret belong together; give both, or neither")
    if not settings.host or settings.host != settings.host.strip():
        raise BadSetting("--host is empty; give an address such as 127.0.0.1")
    if settings.database and not settings.database.startswith(("postgres://", "postgresql://")):
        raise BadSetting("--database is no PostgreSQL URL; it reads postgres://user:password@host:port/name")
    ids: dict[str, Any] = {
        name: checked_id(_option(name), getattr(settings, name)) for name in ("hub_id", "cpo_id", "emsp_id")
    }
    settings = dataclasses.replace(settings, **ids)
    own = settings.ids
    for name in ("cpo_id", "emsp_id"):
        if name in own and own[name] == own.get("hub_id"):
            raise BadSetting(f"{_option(name)} is the hub's own id {own[name]}; give each its own")
    public = settings.public_url
    return dataclasses.replace(
        settings,
        public_url=checked_url("--public-url", public, longest=MAX_PUBLIC_URL).rstrip("/") if public else "",
        hub_url=checked_url("--hub", settings.hub_url) if settings.hub_url else None,
    )


def _check_rooms(settings: Settings) -> None:
    if unknown := settings.rooms - ROOMS:
        raise BadSetting(f"--rooms: {sorted(unknown)[0]!r} is no room; give some of hub,cpms,emsp")
    if not settings.rooms:
        raise BadSetting("--rooms is empty; give some of hub,cpms,emsp")
    if "hub" in settings.rooms and settings.hub_url:
        raise BadSetting("--hub is for rooms without a hub; leave it out, or leave hub out of --rooms")
    if settings.hub_token and not settings.hub_url:
        raise BadSetting("--hub-token needs --hub; give the hub's versions URL too")


def _check_chargers(settings: Settings) -> None:
    if settings.ocpp_port is None:
        return
    if "cpms" not in settings.rooms:
        raise BadSetting("--ocpp-port is for room cpms; leave it out, or add cpms to --rooms")
    if settings.cpms != "builtin":
        raise BadSetting(f"--ocpp-port is for our own CPMS; leave it out, or leave out --cpms {settings.cpms}")
    if not settings.ocpp_host or settings.ocpp_host != settings.ocpp_host.strip():
        raise BadSetting("--ocpp-host is empty; give an address such as 0.0.0.0")
    if settings.ocpp_unknown not in ("refuse", "wait", "accept"):
        raise BadSetting(f"--ocpp-unknown {settings.ocpp_unknown!r} is not known; give refuse, wait or accept")
    if settings.ocpp_certificate is None and (settings.ocpp_key or settings.ocpp_client_ca):
        raise BadSetting("--ocpp-key and --ocpp-client-ca are for TLS; give --ocpp-certificate too")


#: As long as what stands for each part of an invoice_reference.
_FILLED = {"emsp": "NL-ABC", "year": "2026", "month": "01"}


def _check_cpms(settings: Settings) -> None:
    if settings.cpms not in CPMS:
        raise BadSetting(f"--cpms {settings.cpms!r} is not known; give {' or '.join(CPMS)}")
    if settings.cpms == "rest" and not (settings.cpms_url and settings.cpms_key):
        raise BadSetting("--cpms rest is another maker's system; give --cpms-url and --cpms-key too")
    if settings.cpms != "rest" and (settings.cpms_url or settings.cpms_key):
        raise BadSetting("--cpms-url and --cpms-key are for another maker's CPMS; give --cpms rest too")
    filled = re.sub(r"\{(emsp|year|month)\}", lambda found: _FILLED[found[1]], settings.invoice_reference)
    if len(filled) > 39 or not re.fullmatch(r"[ -z|~]*", filled):
        raise BadSetting(
            f"EMALL_INVOICE_REFERENCE={settings.invoice_reference!r} is no reference of 39 characters; give one like"
            " {emsp}-{year}-{month}"
        )
    if settings.operation_centre:
        checked_url("--operation-centre", settings.operation_centre)
    if settings.certificate_pool:
        checked_url("EMALL_CERTIFICATE_POOL", settings.certificate_pool)
    if settings.cpms_url:
        checked_url("--cpms-url", settings.cpms_url)


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")


def checked_id(what: str, text: str) -> str:
    """Return a party id of ours in capitals: country code (ISO 3166) and party id (ISO 15118).

    Raises:
        BadSetting: it is not CC-PID.
    """
    if not re.fullmatch(r"[A-Za-z]{2}-[A-Za-z0-9]{3}", text, re.ASCII):
        raise BadSetting(
            f"{what} {text!r} is not CC-PID; give two letters, a hyphen and three letters or digits, as NL-ABC"
        )
    return text.upper()


def checked_url(what: str, text: str, *, longest: int = 255) -> str:
    """Return an address that can be called as it stands.

    Raises:
        BadSetting: it is no such URL.
    """
    remedy = "give one like https://hub.example.com"
    if not text.isascii() or not text.isprintable() or " " in text:
        raise BadSetting(f"{what} {text!r} holds characters a URL cannot; {remedy}")
    if len(text) > longest:
        raise BadSetting(f"{what} has {len(text)} characters, more than {longest}; give a shorter one")
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise BadSetting(f"{what} {text!r} is no http or https URL; {remedy}")
    if parts.username is not None or parts.query or parts.fragment:
        raise BadSetting(f"{what} {text!r} may carry no user, query or fragment; {remedy}")
    return text
