"""``emall party``: who is connected to the hub, and how they come and go."""

import contextlib
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from hub.cli.options import DATA, AsJson, Data, DatabaseURL, option
from hub.cli.output import Failure, show, table
from hub.cli.stores import on_store, reception_with_key, receptions
from hub.ocpi import interfaces
from hub.ocpi.objects import JSON, JSONObject

if TYPE_CHECKING:
    from hub.credentials.store import Store
    from hub.database import Database
    from hub.ocpi.messages import Party

app = typer.Typer(help="Invite, register and look after the parties connected to the hub.")

COLUMNS = ("id", "name", "status", "version", "parties", "roles", "last_seen")

Role = StrEnum("Role", {role: role for role in get_args(interfaces.Role)})  # type: ignore[misc]  # made from the declaration
ConnectionId = Annotated[
    str, typer.Argument(help="The connection's id or name, or CC-PID of one of its parties.", metavar="ID")
]

_LONGEST = timedelta(days=3650)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@app.command()
def invite(
    name: Annotated[str, option("--name", "What to call the connection.")],
    role: Annotated[
        list[Role] | None, option("--role", "Roles it may register; may repeat. Without: any.", case_sensitive=False)
    ] = None,
    party: Annotated[
        list[str] | None,
        option(
            "--party",
            "With --role: it may register these alone, PLANNED until then; may repeat.",
            metavar="CC-PID",
        ),
    ] = None,
    expires: Annotated[str, option("--expires", "How long the token can be used: 90s, 30m, 12h, 7d, 2w.")] = "7d",
    data: Data = DATA,
    database: DatabaseURL = None,
    as_json: AsJson = False,
) -> None:
    """Make a CREDENTIALS_TOKEN_A for a platform that is to register; works without a server too."""
    lifetime = duration(expires)
    name = _checked_name(name)
    roles = [each.value for each in role or ()]
    parties = _parties(roles, party or [])

    async def work(store: "Database") -> JSON:
        return await _invited(store, name, roles, parties, lifetime, data, database)

    import json

    invited = on_store(work, data, database, create=True)
    show(invited, json.dumps(invited, ensure_ascii=False, indent=2).splitlines(), as_json=as_json)


def duration(text: str) -> timedelta:
    """Return a time span written as a number and a unit.

    Raises:
        Failure: it is none, or longer than ten years.
    """
    matched = re.fullmatch(r"([1-9]\d{0,7})([smhdw])", text.strip().lower(), re.ASCII)
    span = timedelta(**{_UNITS[matched[2]]: int(matched[1])}) if matched else None
    if span is None or span > _LONGEST:
        raise Failure(f"--expires {text!r} is no time span up to ten years; give one like 90s, 30m, 12h, 7d or 2w", 2)
    return span


def _checked_name(name: str) -> str:
    name = name.strip()
    if not name or len(name) > 100 or not name.isprintable():
        raise Failure("--name is empty, longer than 100 characters or not printable; give a short name", 2)
    return name


def _parties(roles: list[str], parties: list[str]) -> "list[tuple[str, Party]]":
    from hub.ocpi.messages import Party

    if parties and not roles:
        raise Failure("--party is told as what it comes; give --role too", 2)
    try:
        named = [Party.parse(each.strip()) for each in parties]
    except ValueError as error:
        raise Failure(f"--party {error}; give two letters, a hyphen and up to three letters or digits", 2) from error
    return [(role, each) for role in roles for each in named]


async def _invited(
    store: "Database",
    name: str,
    roles: list[str],
    parties: "list[tuple[str, Party]]",
    lifetime: timedelta,
    data: Path,
    database: str | None,
) -> JSON:
    from hub.cli.serving import settings_of_environment
    from hub.credentials import admin
    from hub.recorded import recorded_settings

    recorded = await recorded_settings(store)
    settings = recorded or settings_of_environment(data, database)
    if "hub" not in settings.rooms:
        raise Failure("no hub runs on this store; give --data or --database of the one that has room hub", 2)
    reception = reception_with_key(store, data, recorded)
    versions_url = f"{settings.public_url}/ocpi/versions"
    return await admin.invite(reception, versions_url, name=name, roles=roles, parties=parties, expires=lifetime)


@app.command()
def register(
    url: Annotated[str, option("--url", "The platform's versions URL.", metavar="VERSIONS_URL")],
    token: Annotated[str, option("--token", "The CREDENTIALS_TOKEN_A it gave us.", metavar="TOKEN_A")],
    name: Annotated[str, option("--name", "What to call the connection; without it the platform's own name.")] = "",
    data: Data = DATA,
    database: DatabaseURL = None,
    as_json: AsJson = False,
) -> None:
    """Have the running server register at a platform, as the Sender of the handshake."""
    from hub.settings import checked_url

    arguments = {"url": checked_url("--url", url), "token": _checked_token(token), "name": name.strip()}
    _order("party.register", arguments, "registered", data, database, as_json)


def _checked_token(token: str) -> str:
    if not token or len(token) > 64 or not token.isascii() or not token.isprintable():
        raise Failure("--token is empty, longer than 64 characters or not printable; give it as the platform did", 2)
    return token


@app.command("list")
def list_connections(data: Data = DATA, database: DatabaseURL = None, as_json: AsJson = False) -> None:
    """List the connections of the hub, invited ones too."""

    async def work(store: "Database") -> JSON:
        from hub.credentials.admin import connections

        return [each for reception in await receptions(store) for each in await connections(reception)]

    found = on_store(work, data, database)
    show(found, table(found, COLUMNS, empty="nobody is connected; see 'emall party invite --help'"), as_json=as_json)


@app.command("show")
def show_connection(
    connection: ConnectionId, data: Data = DATA, database: DatabaseURL = None, as_json: AsJson = False
) -> None:
    """Show all about a connection but its tokens."""

    async def work(store: "Database") -> JSON:
        from hub.credentials.admin import connection as one

        return await _with_one(store, lambda reception: one(reception, connection))

    found: JSONObject = on_store(work, data, database)
    show(found, [f"{name}: {_text(value)}" for name, value in found.items()], as_json=as_json)


def _text(value: Any) -> str:
    import json

    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@app.command()
def suspend(connection: ConnectionId, data: Data = DATA, database: DatabaseURL = None, as_json: AsJson = False) -> None:
    """Stop all traffic with a connection, until it is resumed."""

    async def work(store: "Database") -> JSON:
        from hub.credentials.admin import suspend as stop_traffic

        return await _with_one(store, lambda reception: stop_traffic(reception, connection))

    _change(work, "suspended", data, database, as_json)


@app.command()
def resume(connection: ConnectionId, data: Data = DATA, database: DatabaseURL = None, as_json: AsJson = False) -> None:
    """Let a suspended connection take part again."""

    async def work(store: "Database") -> JSON:
        from hub.credentials.admin import resume as resume_traffic

        return await _with_one(store, lambda reception: resume_traffic(reception, connection))

    _change(work, "resumed", data, database, as_json)


@app.command()
def rotate(connection: ConnectionId, data: Data = DATA, database: DatabaseURL = None, as_json: AsJson = False) -> None:
    """Exchange the tokens of a connection for new ones, by PUT credentials."""
    _order("party.rotate", {"id": connection}, "has new tokens", data, database, as_json)


@app.command()
def remove(connection: ConnectionId, data: Data = DATA, database: DatabaseURL = None, as_json: AsJson = False) -> None:
    """Send DELETE credentials and forget the connection."""
    _order("party.remove", {"id": connection}, "removed", data, database, as_json)


@app.command("set")
def set_options(
    connection: ConnectionId,
    changes: Annotated[
        list[str],
        typer.Argument(help="As keep_nothing=NL-TNM or quirks.lean=true; null unsets.", metavar="NAME=VALUE..."),
    ],
    data: Data = DATA,
    database: DatabaseURL = None,
    as_json: AsJson = False,
) -> None:
    """Set options or quirks of a connection; VALUE is JSON or plain text."""
    wanted = dict(_named_value(each) for each in changes)

    async def work(store: "Database") -> JSON:
        from hub.credentials.admin import set_option

        return await _with_one(store, lambda reception: set_option(reception, connection, wanted))

    _change(work, "changed", data, database, as_json)


def _named_value(text: str) -> tuple[str, JSON]:
    import json

    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise Failure(f"{text!r} is not NAME=VALUE; give it as keep_nothing=NL-TNM", 2)
    try:
        return name.strip(), json.loads(value)
    except ValueError:
        return name.strip(), value


async def _with_one(store: "Database", work: "Callable[[Store], Awaitable[JSON]]") -> JSON:
    """Do something in the reception that knows the connection."""
    from hub.credentials.admin import NoSuchConnection

    *others, last = await receptions(store)
    for reception in others:
        with contextlib.suppress(NoSuchConnection):
            return await work(reception)
    return await work(last)


def _order(kind: str, arguments: JSON, done: str, data: Path, database: str | None, as_json: bool) -> None:
    """Have the running server do something with a connection."""

    async def work(store: "Database") -> JSON:
        from hub.orders import give

        return await give(store, kind, arguments, timeout=120)

    _change(work, done, data, database, as_json)


def _change(
    work: "Callable[[Database], Awaitable[JSON]]", done: str, data: Path, database: str | None, as_json: bool
) -> None:
    """Do something with a connection and tell it."""
    result: JSONObject = on_store(work, data, database)
    trouble = result.get("trouble")
    also = f", but the platform could not be told: {trouble}" if trouble else ""
    show(result, [f"{result['id']} {result['name']}: {done}{also}"], as_json=as_json)
