"""Our eMSP in this process: its rooms with what they need of the world, and its OCPI door."""

import functools
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from hub.ocpi.messages import Party
from hub.rooms import PartyRoom, Workshop
from hub.settings import BadSetting, Settings

if TYPE_CHECKING:
    from hub.emsp.assembly import Assembly
    from hub.emsp.drivers.needs import Brand
    from hub.emsp.endpoints import EmspEndpoints
    from hub.emsp.mail import Mailer
    from hub.emsp.money.ports import PaymentGateway
    from hub.emsp.terms import ProviderTerms


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

    return Assembly(
        workshop.database,
        Party.parse(settings.emsp_id),
        page_limit=settings.page_limit,
        gateway=_gateway(workshop),
        sms=SimulatedSms(),
        public_url=settings.public_url,
        mailer=_mailer(settings),
        app_url=settings.app_url,
        brands=_brands(settings),
        terms=_terms(settings),
        identities=OpenIdConnect(utc_now),
        hints=bool(settings.login_hints),
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


def _brands(settings: Settings) -> "list[Brand]":
    if not settings.brands:
        return []
    from hub.emsp.drivers.brands import read_brands

    try:
        return read_brands(Path(settings.brands))
    except (OSError, ValueError) as error:
        raise BadSetting(f"EMALL_BRANDS cannot be read: {error}; correct or unset it") from error


def _terms(settings: Settings) -> "ProviderTerms | None":
    if not settings.terms:
        return None
    from hub.emsp.terms import read_terms

    try:
        return read_terms(Path(settings.terms))
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
