"""Our eMSP in this process: its rooms with what they need of the world, and its OCPI door."""

import functools
from email.utils import parseaddr
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from hub.ocpi.messages import Party
from hub.rooms import PartyRoom, Workshop
from hub.settings import BadSetting, Settings, checked_url

if TYPE_CHECKING:
    from hub.emsp.assembly import Assembly
    from hub.emsp.charging.needs import SmsGateway
    from hub.emsp.companion.emissions import CountryMix
    from hub.emsp.companion.room import World
    from hub.emsp.companion.routing import Router
    from hub.emsp.drivers.needs import Brand
    from hub.emsp.endpoints import EmspEndpoints
    from hub.emsp.inforce import TermsInForce
    from hub.emsp.mail import Mailer
    from hub.emsp.money.ports import PaymentGateway


def provider(workshop: Workshop) -> "Assembly | None":
    """Return our eMSP with its rooms, if it runs here; they are imported where they do.

    Raises:
        BadSetting: a setting of its own cannot be used.
    """
    settings = workshop.settings
    if "emsp" not in settings.rooms:
        return None
    from adapters.identity.oidc import OpenIdConnect
    from adapters.sms.simulator import SimulatedSms
    from hub.emsp.assembly import Assembly
    from hub.ocpi.times import utc_now

    mailer, sms = _mailer(settings), SimulatedSms()
    return Assembly(
        workshop.database,
        Party.parse(settings.emsp_id),
        page_limit=settings.page_limit,
        gateway=_gateway(workshop),
        sms=sms,
        public_url=settings.public_url,
        mailer=mailer,
        app_url=settings.app_url,
        brands=_brands(settings),
        terms=_terms(settings),
        identities=OpenIdConnect(utc_now),
        hints=bool(settings.login_hints),
        world=_world(workshop, mailer, sms),
    )


def _mailer(settings: Settings) -> "Mailer":
    """Return how letters leave: over SMTP, or into a folder."""
    if not settings.mail_url:
        from adapters.mail.folder import FolderMailer

        return FolderMailer(settings.data / "letters", settings.mail_from)
    from adapters.mail.smtp import SmtpMailer

    parts = urlsplit(settings.mail_url)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise BadSetting("EMALL_MAIL_URL is no SMTP URL; it reads smtp://user:password@host:587, or smtps://host:465")
    tls = parts.scheme == "smtps"
    return SmtpMailer(
        host=parts.hostname,
        port=parts.port or (465 if tls else 587),
        sender=settings.mail_from,
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        tls=tls,
    )


def _world(workshop: Workshop, mailer: "Mailer", sms: "SmsGateway") -> "World":
    """Return what the companion has of the world outside."""
    from adapters.notifications.mail import MailChannel
    from adapters.notifications.pushcrypto import key_of
    from adapters.notifications.sms import SmsChannel
    from adapters.notifications.webpush import WebPushChannel
    from hub.emsp.companion.room import TimeOf, World
    from hub.ocpi.times import utc_now

    wire, settings = workshop.client.wire, workshop.settings
    push = WebPushChannel(
        wire,
        key_of(workshop.secrets.derived(b"web push")),
        subject=f"mailto:{parseaddr(settings.mail_from)[1]}",
        clock=TimeOf(utc_now),
    )
    return World(
        channels={"EMAIL": MailChannel(mailer), "SMS": SmsChannel(sms), "PUSH": push},
        push_key=push.public_key,
        fetcher=wire,
        routers=_routers(settings),
        countries=_countries(settings),
    )


def _routers(settings: Settings) -> "list[Router]":
    """Return who knows roads: the servers the settings name, else the demo's town."""
    found: list[Router] = []
    if settings.valhalla_url:
        from adapters.routing.valhalla import ValhallaRouter

        found.append(ValhallaRouter(checked_url("EMALL_VALHALLA_URL", settings.valhalla_url).rstrip("/")))
    if settings.osrm_url:
        from adapters.routing.osrm import OsrmRouter

        found.append(OsrmRouter(checked_url("EMALL_OSRM_URL", settings.osrm_url).rstrip("/")))
    if not found:
        from adapters.routing.astar import StreetRouter

        found.append(StreetRouter())
    return found


def _countries(settings: Settings) -> "dict[str, CountryMix]":
    if not settings.grid_mix:
        return {}
    from hub.emsp.companion.emissions import read_countries

    try:
        return read_countries(Path(settings.grid_mix))
    except (OSError, ValueError) as error:
        raise BadSetting(f"EMALL_GRID_MIX cannot be read: {error}; correct or unset it") from error


def _brands(settings: Settings) -> "list[Brand]":
    if not settings.brands:
        return []
    from hub.emsp.drivers.brands import read_brands

    try:
        return read_brands(Path(settings.brands))
    except (OSError, ValueError) as error:
        raise BadSetting(f"EMALL_BRANDS cannot be read: {error}; correct or unset it") from error


def _terms(settings: Settings) -> "TermsInForce | None":
    if not settings.terms:
        return None
    from hub.emsp.inforce import TermsInForce

    try:
        return TermsInForce(path=Path(settings.terms))
    except (OSError, ValueError) as error:
        raise BadSetting(f"EMALL_TERMS cannot be read: {error}; correct or unset it") from error


def emsp_room(workshop: Workshop, path: str, made: "Assembly | None") -> PartyRoom:
    """Return the room of our eMSP.

    Args:
        path: of its OCPI address.
    """
    from hub.emsp.endpoints import EmspEndpoints

    return PartyRoom(
        workshop,
        "emsp",
        "EMSP",
        Party.parse(workshop.settings.emsp_id),
        path,
        name="emall eMSP",
        make=functools.partial(_endpoints, made),
        offered=frozenset(EmspEndpoints.offered()),
        expects=frozenset({("locations", "SENDER"), ("tokens", "RECEIVER"), ("commands", "RECEIVER")}),
    )


def _endpoints(made: "Assembly | None", room: PartyRoom, hub_party: Party) -> "EmspEndpoints":
    from hub.emsp.endpoints import EmspEndpoints

    endpoints = EmspEndpoints(
        party=room.party,
        hub_party=hub_party,
        hub=room.hub,
        call_url=room.call_url,
        url_of=room.url_of,
        database=room.workshop.database,
        store=made.store if made is not None else None,
        page_limit=room.workshop.settings.page_limit,
    )
    if made is not None:
        made.behind(endpoints)
    return endpoints


def _gateway(workshop: Workshop) -> "PaymentGateway":
    """Return the payment provider the settings name."""
    key, secret = workshop.settings.stripe_key, workshop.settings.stripe_webhook_secret
    if key is None or secret is None:
        from adapters.payment.simulator import PaymentSimulator

        return PaymentSimulator()
    from adapters.payment.stripe import StripeGateway

    return StripeGateway(key=key, webhook_secret=secret)
