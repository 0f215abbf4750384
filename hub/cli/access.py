"""``emall cpms admin`` and ``emall cpms key``: who may use the operator API; works without a server too."""

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.options import DATA, AsJson, Data, DatabaseURL, option
from hub.cli.output import Failure, show, table
from hub.cli.stores import on_store
from hub.cpms.api import scopes
from hub.ocpi.objects import JSON

if TYPE_CHECKING:
    from hub.api.audit import Trail
    from hub.database import Database

admin = typer.Typer(help="Make administrators, who insert all other staff through the operator API.")
key = typer.Typer(help="Make and revoke keys of machines for the operator API.")

Scope = StrEnum("Scope", {each.name: each.value for each in scopes.Scope})  # type: ignore[misc]  # typer shows its names
KeyId = Annotated[str, typer.Argument(help="What 'create' printed as id.", metavar="ID")]

_COLUMNS = ("id", "name", "scopes", "created_by", "used_at", "revoked_at")
_LONGEST = 200  # characters of a password


@admin.command("create")
def create_admin(
    email: Annotated[str, option("--email", "E-mail address to log in with.")],
    password_stdin: Annotated[bool, option("--password-stdin", "Read the password, one line, from stdin.")] = False,
    name: Annotated[str, option("--name", "The administrator's name; without it the address.")] = "",
    data: Data = DATA,
    database: DatabaseURL = None,
    as_json: AsJson = False,
) -> None:
    """Make an administrator."""
    from hub.api.passwords import Passwords
    from hub.api.problems import Problem
    from hub.api.routes.accounts import NewAccount

    if not password_stdin:
        raise Failure("a password on the command line is seen by others; give --password-stdin", 2)
    asked = {"email": email, "name": name or email, "role": "admin", "password": sys.stdin.readline().rstrip("\r\n")}

    async def work(store: "Database") -> JSON:
        from hub.api import judging
        from hub.ocpi import codec

        body = judging.body(codec.encode(asked), NewAccount)
        kept = await Passwords().hashed(body.password)
        return await _inserted(store, body, kept)

    try:
        made = on_store(work, data, database, create=True)
    except Problem as problem:
        raise Failure(f"{problem}; give another --email or password", 1) from problem
    show(made, [f"{made['email']}: made ({made['id']})"], as_json=as_json)


async def _inserted(store: "Database", body: "JSON", kept: str) -> JSON:
    from hub.api.accounts import Accounts
    from hub.api.audit import plain
    from hub.api.credentials import Credentials
    from hub.ocpi.times import utc_now

    accounts = Accounts(store, scopes.REALM, Credentials(store, scopes.REALM, utc_now), utc_now)
    trail = _trail(store, "create_account")

    async def work(tx: "JSON") -> JSON:
        made = await accounts.add(tx, email=body.email, name=body.name, role="admin", password=kept)
        await trail.record(tx, status=201, target=f"/accounts/{made.id}", after=made)
        return plain(made)

    return await store.transact(work)


@key.command("create")
def create_key(
    name: Annotated[str, option("--name", "What to call the key.")],
    scope: Annotated[
        list[Scope] | None,
        option("--scope", "What it may do; may repeat. Without: all but give others access.", case_sensitive=False),
    ] = None,
    data: Data = DATA,
    database: DatabaseURL = None,
    as_json: AsJson = False,
) -> None:
    """Make a key; it is printed this once."""
    if not name.strip() or len(name) > 100 or not name.isprintable():
        raise Failure("--name is empty, longer than 100 characters or not printable; give a short name", 2)
    granted = {scopes.Scope(each.value) for each in scope} if scope else scopes.KEY_SCOPES

    async def work(store: "Database") -> JSON:
        return await _made_key(store, name.strip(), granted)

    made = on_store(work, data, database, create=True)
    show(made, [f"{made['name']} ({made['id']}):", made["key"]], as_json=as_json)


async def _made_key(store: "Database", name: str, granted: "frozenset[scopes.Scope] | set[scopes.Scope]") -> JSON:
    from hub.api.credentials import Credentials
    from hub.ocpi.times import utc_now

    trail = _trail(store, "create_key")

    async def work(tx: JSON) -> JSON:
        key_id, token = await Credentials(store, scopes.REALM, utc_now).add_key(
            tx, name=name, scopes=granted, created_by="command line"
        )
        said = {"id": key_id, "name": name, "scopes": sorted(granted)}
        await trail.record(tx, status=201, target=f"/keys/{key_id}", after=said)
        return said | {"key": token}

    return await store.transact(work)


@key.command("list")
def list_keys(data: Data = DATA, database: DatabaseURL = None, as_json: AsJson = False) -> None:
    """List the keys, revoked ones too."""

    async def work(store: "Database") -> JSON:
        from hub.api.audit import plain
        from hub.api.keys import Keys
        from hub.api.shapes import ListQuery

        return plain((await Keys(store, scopes.REALM).page(ListQuery(limit=1000))).items)

    found = on_store(work, data, database)
    show(found, table(found, _COLUMNS, empty="no keys; see 'emall cpms key create --help'"), as_json=as_json)


@key.command("revoke")
def revoke_key(key_id: KeyId, data: Data = DATA, database: DatabaseURL = None, as_json: AsJson = False) -> None:
    """Revoke a key."""
    from hub.api.problems import NotFound

    async def work(store: "Database") -> JSON:
        return await _revoked(store, key_id)

    try:
        said = on_store(work, data, database)
    except NotFound as problem:
        raise Failure(f"{problem}; see 'emall cpms key list'", 1) from problem
    show(said, [f"{said['name']}: revoked"], as_json=as_json)


async def _revoked(store: "Database", key_id: str) -> JSON:
    from hub.api.audit import plain
    from hub.api.credentials import stored
    from hub.api.keys import Keys
    from hub.ocpi.times import utc_now

    keys, trail = Keys(store, scopes.REALM), _trail(store, "revoke_key")

    async def work(tx: JSON) -> JSON:
        before = await keys.get(tx, key_id)
        await keys.revoke(tx, key_id, stored(utc_now()))
        await trail.record(tx, status=204, target=f"/keys/{key_id}", before=before)
        return plain(await keys.get(tx, key_id))

    return await store.transact(work)


def _trail(store: "Database", action: str) -> "Trail":
    from hub.api.audit import AuditLog, Trail
    from hub.api.principals import CONSOLE
    from hub.ocpi.times import utc_now

    return Trail(AuditLog(store, scopes.REALM, utc_now), CONSOLE, action=action, target="")
