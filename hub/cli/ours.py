"""``emall cpms`` and ``emall emsp``: what our own two parties do, as orders to the running server."""

from pathlib import Path
from typing import Annotated, Any

import typer

from hub.cli.options import DATA, AsJson, Data, DatabaseURL, option
from hub.cli.output import show, table
from hub.cli.stores import on_store
from hub.database import Database
from hub.ocpi.objects import JSON

cpms = typer.Typer(help="Look at our CPMS, and make things happen at its simulated stations.")
emsp = typer.Typer(help="Look at our eMSP, make tokens, and charge with them.")

_COLUMNS = {
    "locations": ("country_code", "party_id", "id", "name", "city", "last_updated"),
    "tariffs": ("country_code", "party_id", "id", "currency", "last_updated"),
    "tokens": ("country_code", "party_id", "uid", "type", "valid", "whitelist", "last_updated"),
    "sessions": ("country_code", "party_id", "id", "status", "kwh", "location_id", "evse_uid", "last_updated"),
    "cdrs": ("country_code", "party_id", "id", "total_energy", "total_cost", "last_updated"),
}

Kind = Annotated[str, typer.Argument(help="locations, tariffs, tokens, sessions or cdrs.", metavar="KIND")]
Location = Annotated[str, option("--location", "The Location's id.", metavar="ID")]
Evse = Annotated[str, option("--evse", "The EVSE's uid.", metavar="UID")]
AnyEvse = Annotated[str | None, option("--evse", "The EVSE's uid; without it the CPO chooses.", metavar="UID")]
Uid = Annotated[str, option("--token", "The Token's uid.", metavar="UID")]
TokenType = Annotated[str, option("--type", "The Token's type.")]
To = Annotated[str, option("--to", "The CPO.", metavar="CC-PID")]


@cpms.command("list")
def list_cpms(kind: Kind, data: Data = DATA, database: DatabaseURL = None, as_json: AsJson = False) -> None:
    """List what our CPMS has: its own objects, and the Tokens it was told."""
    _list("cpms.list", kind, data, database, as_json)


@cpms.command()
def present(
    location: Location,
    evse: Evse,
    token: Uid,
    token_type: TokenType = "RFID",  # noqa: S107  a kind of token
    data: Data = DATA,
    database: DatabaseURL = None,
    as_json: AsJson = False,
) -> None:
    """Hold a card to the reader of a simulated station: starts a session, or stops the card's own."""
    arguments = {"location_id": location, "evse_uid": evse, "uid": token, "type": token_type}
    _order("cpms.present_token", arguments, data, database, as_json)


@cpms.command()
def status(
    location: Location,
    evse: Evse,
    to: Annotated[str, typer.Argument(help="Its new Status, such as INOPERATIVE.", metavar="STATUS")],
    data: Data = DATA,
    database: DatabaseURL = None,
    as_json: AsJson = False,
) -> None:
    """Give a simulated EVSE another status; a session there ends, a reservation is cancelled."""
    arguments = {"location_id": location, "evse_uid": evse, "status": to.upper()}
    _order("cpms.set_status", arguments, data, database, as_json)


@emsp.command("list")
def list_emsp(kind: Kind, data: Data = DATA, database: DatabaseURL = None, as_json: AsJson = False) -> None:
    """List what our eMSP has: its own Tokens, and what CPOs told it."""
    _list("emsp.list", kind, data, database, as_json)


@emsp.command("token")
def put_token(
    uid: Annotated[str, typer.Argument(help="The Token's uid.", metavar="UID")],
    token_type: TokenType = "RFID",  # noqa: S107  a kind of token
    whitelist: Annotated[str, option("--whitelist", "ALWAYS, ALLOWED, ALLOWED_OFFLINE or NEVER.")] = "ALLOWED",
    invalid: Annotated[bool, option("--invalid", "Block it: it is told as not valid.")] = False,
    data: Data = DATA,
    database: DatabaseURL = None,
    as_json: AsJson = False,
) -> None:
    """Make or change a Token of our eMSP; every CPO is told."""
    arguments = {"uid": uid, "type": token_type, "whitelist": whitelist.upper(), "valid": not invalid}
    _order("emsp.put_token", arguments, data, database, as_json)


@emsp.command()
def start(
    to: To,
    token: Uid,
    location: Location,
    evse: AnyEvse = None,
    token_type: TokenType = "RFID",  # noqa: S107  a kind of token
    data: Data = DATA,
    database: DatabaseURL = None,
    as_json: AsJson = False,
) -> None:
    """Send START_SESSION for a Token of our eMSP; 'emall emsp order' tells what came of it."""
    arguments = {
        "command": "START_SESSION", "to": to, "token_uid": token, "token_type": token_type,
        "location_id": location, "evse_uid": evse,
    }  # fmt: skip
    _order("emsp.command", arguments, data, database, as_json)


@emsp.command()
def stop(
    to: To,
    session: Annotated[str, option("--session", "The Session's id.", metavar="ID")],
    data: Data = DATA,
    database: DatabaseURL = None,
    as_json: AsJson = False,
) -> None:
    """Send STOP_SESSION."""
    arguments = {"command": "STOP_SESSION", "to": to, "session_id": session}
    _order("emsp.command", arguments, data, database, as_json)


@emsp.command()
def order(
    uid: Annotated[str, typer.Argument(help="What 'start' or 'stop' printed as uid.", metavar="UID")],
    data: Data = DATA,
    database: DatabaseURL = None,
    as_json: AsJson = False,
) -> None:
    """Tell what came of a command: the CPO's answer, and the station's result."""
    _order("emsp.order", {"uid": uid}, data, database, as_json)


def _list(kind: str, of: str, data: Path, database: str | None, as_json: bool) -> None:
    if of not in _COLUMNS:
        raise typer.BadParameter(f"{of!r} is not one of {', '.join(_COLUMNS)}")
    found = _give(kind, {"kind": of}, data, database)
    show(found, table(found, _COLUMNS[of], empty=f"no {of}"), as_json=as_json)


def _order(kind: str, arguments: dict[str, Any], data: Path, database: str | None, as_json: bool) -> None:
    found = _give(kind, arguments, data, database)
    lines = [f"{name}: {value}" for name, value in found.items() if value is not None] if found else ["nothing"]
    show(found, lines, as_json=as_json)


def _give(kind: str, arguments: dict[str, Any], data: Path, database: str | None) -> JSON:
    import json

    from hub.ocpi import codec
    from hub.orders import give

    async def work(store: Database) -> JSON:
        return await give(store, kind, arguments)

    # Amounts come as Decimal; printed they are plain numbers.
    return json.loads(codec.encode(on_store(work, data, database)))
