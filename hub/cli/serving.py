"""``emall serve``: the options of a server."""

import asyncio
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from hub import compiled
from hub.cli.options import DATA, Data, DatabaseURL, option
from hub.cli.output import one_line
from hub.settings import FINE, TEXTS, BadSetting, Settings, checked, fine_settings

EPILOG = "Finer settings have a variable only: " + ", ".join(f"EMALL_{name.upper()}" for name in (*FINE, *TEXTS)) + "."

_IDS = ("hub_id", "cpo_id", "emsp_id")


def serve(
    host: Annotated[str, option("--host", "Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, option("--port", "Port to listen at; 0: any free one.", min=0, max=65535)] = 8000,
    data: Data = DATA,
    database: DatabaseURL = None,
    public_url: Annotated[
        str, option("--public-url", "Where peers reach us; without it http://HOST:PORT.", metavar="URL")
    ] = "",
    rooms: Annotated[str, option("--rooms", "Which of the three this process runs.")] = "hub,cpms,emsp",
    hub_id: Annotated[
        str | None, option("--hub-id", "The hub's id (NL-HUB); fixed at first start.", metavar="CC-PID")
    ] = None,
    cpo_id: Annotated[
        str | None, option("--cpo-id", "Our CPMS's id (NL-CPO); fixed at first start.", metavar="CC-PID")
    ] = None,
    emsp_id: Annotated[
        str | None, option("--emsp-id", "Our eMSP's id (NL-MSP); fixed at first start.", metavar="CC-PID")
    ] = None,
    allow_private_peers: Annotated[
        bool, option("--allow-private-peers", "Call peers at private and loopback addresses too.")
    ] = False,
    forward_timeout: Annotated[
        float, option("--forward-timeout", "Seconds a party may take to answer.", min=0.1, max=600)
    ] = 30,
    ocpp_port: Annotated[
        int | None, option("--ocpp-port", "Port charging stations connect to; 0: any free one.", min=0, max=65535)
    ] = None,
    ocpp_host: Annotated[str, option("--ocpp-host", "Address they connect to.")] = "127.0.0.1",
    ocpp_unknown: Annotated[
        str, option("--ocpp-unknown", "Stations nobody added: refuse, wait or accept.", metavar="WHAT")
    ] = "refuse",
    ocpp_certificate: Annotated[
        Path | None, option("--ocpp-certificate", "TLS for stations: our chain (PEM).", metavar="FILE")
    ] = None,
    ocpp_key: Annotated[
        Path | None, option("--ocpp-key", "Its key (PEM), if not in the same file.", metavar="FILE")
    ] = None,
    ocpp_client_ca: Annotated[
        Path | None, option("--ocpp-client-ca", "Whose client certificates are trusted (PEM).", metavar="FILE")
    ] = None,
    cpms: Annotated[
        str,
        option("--cpms", "What operates the stations: builtin, simulator, or rest (another maker's).", metavar="WHAT"),
    ] = "builtin",
    cpms_url: Annotated[str | None, option("--cpms-url", "Where that answers.", metavar="URL")] = None,
    cpms_key: Annotated[str | None, option("--cpms-key", "What it is shown.", metavar="KEY")] = None,
    operation_centre: Annotated[
        str | None, option("--operation-centre", "Where alarms of stations are POSTed.", metavar="URL")
    ] = None,
    stripe_key: Annotated[
        str | None, option("--stripe-key", "Drivers pay by this Stripe account; without it, simulated.", metavar="KEY")
    ] = None,
    stripe_webhook_secret: Annotated[
        str | None, option("--stripe-webhook-secret", "Of the endpoint that Stripe calls.", metavar="SECRET")
    ] = None,
    hub: Annotated[
        str | None, option("--hub", "Without room hub: the hub to register at.", metavar="VERSIONS_URL")
    ] = None,
    hub_token: Annotated[str | None, option("--hub-token", "CREDENTIALS_TOKEN_A for that.", metavar="TOKEN_A")] = None,
) -> None:
    """Run the hub, our CPMS and our eMSP, or some of them, until SIGTERM."""
    given: dict[str, Any] = {"hub_id": hub_id, "cpo_id": cpo_id, "emsp_id": emsp_id}
    given = {name: text for name, text in given.items() if text is not None}
    settings = Settings(
        host=host,
        port=port,
        data=data,
        database=database,
        public_url=public_url,
        rooms=frozenset(room.strip() for room in rooms.split(",") if room.strip()),
        allow_private_peers=allow_private_peers,
        forward_timeout=forward_timeout,
        ocpp_port=ocpp_port,
        ocpp_host=ocpp_host,
        ocpp_unknown=ocpp_unknown,  # type: ignore[arg-type]  # checked with the others
        ocpp_certificate=ocpp_certificate,
        ocpp_key=ocpp_key,
        ocpp_client_ca=ocpp_client_ca,
        cpms=cpms,
        cpms_url=cpms_url,
        operation_centre=operation_centre,
        stripe_key=stripe_key,
        stripe_webhook_secret=stripe_webhook_secret,
        cpms_key=cpms_key,
        hub_url=hub,
        hub_token=hub_token,
        given=frozenset(given),
        **given,
        **fine_settings(os.environ),  # type: ignore[arg-type]  # each has the type of its default
    )
    raise typer.Exit(_run(checked(settings)))


class OneLine(logging.Formatter):
    """Formats what is logged so that nothing in it looks like another entry."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Return the entry as one printable line."""
        return one_line(super().formatMessage(record))


def _run(settings: Settings) -> int:
    compiled.use()
    from hub.app import serve as serve_house

    to_stderr = logging.StreamHandler()
    to_stderr.setFormatter(OneLine())
    logging.basicConfig(handlers=[to_stderr])
    logging.getLogger("hub").setLevel(_log_level(os.environ.get("EMALL_LOG_LEVEL", "")))
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(serve_house(settings))


def _log_level(name: str) -> int:
    """Return the level from which on we log: at INFO a line for every hop of every message."""
    level = logging.getLevelNamesMapping().get(name.strip().upper() or "WARNING")
    if level is None:
        raise BadSetting(f"EMALL_LOG_LEVEL={name!r} is no level; say WARNING, INFO or DEBUG")
    return level


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's, where it is to be had."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def settings_of_environment(data: Path, database: str | None) -> Settings:
    """Return what ``emall serve`` would run with, if it were started here without options."""
    found: dict[str, Any] = {}
    for name in ("host", "public_url", *_IDS):
        if text := os.environ.get(f"EMALL_{name.upper()}"):
            found[name] = text
    port = os.environ.get("EMALL_PORT", "")
    if port.isdecimal():
        found["port"] = int(port)
    settings = checked(Settings(data=data, database=database, **found, **fine_settings(os.environ)))  # type: ignore[arg-type]  # each has the type of its default
    return settings.served_at(settings.port)
