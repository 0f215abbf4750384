"""``emall cpms admin`` and ``key``, ``emall emsp admin`` and ``key``: who may use our APIs; without a server too."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from hub.api.realms import Realm
from hub.cli.options import DATA, AsJson, Data, DatabaseURL, option
from hub.cli.output import Failure, show, table
from hub.cli.stores import on_store
from hub.ocpi.objects import JSON

if TYPE_CHECKING:
    from hub.api.audit import Trail
    from hub.database import Database

KeyId = Annotated[str, typer.Argument(help="What 'create' printed as id.", metavar="ID")]

_COLUMNS = ("id", "name", "scopes", "created_by", "used_at", "revoked_at")


def admins(realm: Realm) -> typer.Typer:
    """Return the command that makes administrators of an API."""
    admin = typer.Typer(help="Make administrators, who insert all other staff through the API.")

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
        if not password_stdin:
            raise Failure("the password is read from stdin; give --password-stdin, and the password as a line", 2)
        password = sys.stdin.readline().rstrip("\r\n")
        asked = {"email": email, "name": name or email, "role": "admin", "password": password}
        made = _made_admin(realm, asked, data, database)
        show(made, [f"{made['email']}: made ({made['id']})"], as_json=as_json)

    return admin


def keys(realm: Realm) -> typer.Typer:
    """Return the commands for keys of an API."""
    key = typer.Typer(help="Make and revoke keys of machines for the API.")
    scopes = f"What it may do; may repeat; of {', '.join(sorted(realm.scopes))}. Without: all but give others access."

    @key.command("create")
    def create_key(
        name: Annotated[str, option("--name", "What to call the key.")],
        scope: Annotated[list[str] | None, option("--scope", scopes)] = None,
        data: Data = DATA,
        database: DatabaseURL = None,
        as_json: AsJson = False,
    ) -> None:
        """Make a key; it is printed this once."""
        if not name.strip() or len(name) > 100 or not name.isprintable():
            raise Failure("--name is empty, longer than 100 characters or not printable; give a short name", 2)
        granted = _granted(realm, scope)

        async def work(store: "Database") -> JSON:
            return await _made_key(realm, store, name.strip(), granted)

        made = on_store(work, data, database, create=True)
        show(made, [f"{made['name']} ({made['id']}):", made["key"]], as_json=as_json)

    @key.command("list")
    def list_keys(data: Data = DATA, database: DatabaseURL = None, as_json: AsJson = False) -> None:
        """List the keys, revoked ones too."""
        found = on_store(lambda store: _listed(realm, store), data, database)
        show(found, table(found, _COLUMNS, empty="no keys; see 'create --help'"), as_json=as_json)

    @key.command("revoke")
    def revoke_key(key_id: KeyId, data: Data = DATA, database: DatabaseURL = None, as_json: AsJson = False) -> None:
        """Revoke a key."""
        from hub.api.problems import NotFound

        try:
            said = on_store(lambda store: _revoked(realm, store, key_id), data, database)
        except NotFound as problem:
            raise Failure(f"{problem}; 'list' shows those there are", 1) from problem
        show(said, [f"{said['name']}: revoked"], as_json=as_json)

    return key


def _granted(realm: Realm, asked: list[str] | None) -> frozenset[str]:
    """Return the scopes a key is to have.

    Raises:
        Failure: one is not known.
    """
    granted = frozenset(each.lower() for each in asked) if asked else realm.key_scopes
    if unknown := granted - realm.scopes:
        raise Failure(f"--scope: {min(unknown)!r} is none of {', '.join(sorted(realm.scopes))}", 2)
    return granted


def _made_admin(realm: Realm, asked: JSON, data: Data, database: DatabaseURL) -> JSON:
    from hub.api.passwords import Passwords
    from hub.api.problems import Problem
    from hub.api.routes.accounts import NewAccount

    async def work(store: "Database") -> JSON:
        from hub.api import judging
        from hub.ocpi import codec

        body = judging.body(codec.encode(asked), NewAccount)
        kept = await Passwords().hashed(body.password)
        return await _inserted(realm, store, body, kept)

    try:
        return on_store(work, data, database, create=True)
    except Problem as problem:
        raise Failure(f"{problem}; give another --email or password", 1) from problem


async def _listed(realm: Realm, store: "Database") -> JSON:
    from hub.api.audit import plain
    from hub.api.keys import Keys
    from hub.api.shapes import ListQuery

    return plain((await Keys(store, realm).page(ListQuery(limit=1000))).items)


async def _inserted(realm: Realm, store: "Database", body: "JSON", kept: str) -> JSON:
    from hub.api.accounts import Accounts
    from hub.api.audit import plain
    from hub.api.credentials import Credentials
    from hub.ocpi.times import utc_now

    accounts = Accounts(store, realm, Credentials(store, realm, utc_now), utc_now)
    trail = _trail(realm, store, "create_account")

    async def work(tx: "JSON") -> JSON:
        made = await accounts.add(tx, email=body.email, name=body.name, role="admin", password=kept)
        await trail.record(tx, status=201, target=f"/accounts/{made.id}", after=made)
        return plain(made)

    return await store.transact(work)


async def _made_key(realm: Realm, store: "Database", name: str, granted: frozenset[str]) -> JSON:
    from hub.api.credentials import Credentials
    from hub.ocpi.times import utc_now

    trail = _trail(realm, store, "create_key")

    async def work(tx: JSON) -> JSON:
        key_id, token = await Credentials(store, realm, utc_now).add_key(
            tx, name=name, scopes=granted, created_by="command line"
        )
        said = {"id": key_id, "name": name, "scopes": sorted(granted)}
        await trail.record(tx, status=201, target=f"/keys/{key_id}", after=said)
        return said | {"key": token}

    return await store.transact(work)


async def _revoked(realm: Realm, store: "Database", key_id: str) -> JSON:
    from hub.api.audit import plain
    from hub.api.credentials import stored
    from hub.api.keys import Keys
    from hub.ocpi.times import utc_now

    keys, trail = Keys(store, realm), _trail(realm, store, "revoke_key")

    async def work(tx: JSON) -> JSON:
        before = await keys.get(tx, key_id)
        await keys.revoke(tx, key_id, stored(utc_now()))
        await trail.record(tx, status=204, target=f"/keys/{key_id}", before=before)
        return plain(await keys.get(tx, key_id))

    return await store.transact(work)


def _trail(realm: Realm, store: "Database", action: str) -> "Trail":
    from hub.api.audit import AuditLog, Trail
    from hub.api.principals import CONSOLE
    from hub.ocpi.times import utc_now

    return Trail(AuditLog(store, realm, utc_now), CONSOLE, action=action, target="")
