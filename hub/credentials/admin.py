"""What an operator does to connections; all of it works on the store alone, a running server follows.

Source: OCPI 2.3.0, credentials.asciidoc (CREDENTIALS_TOKEN_A).
"""

import dataclasses
import datetime
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, get_args, get_type_hints

from hub.credentials.handshake import new_id
from hub.credentials.judgement import invited_as
from hub.credentials.secrets import new_token
from hub.credentials.store import Rows, Store
from hub.database.contract import Row, Transaction
from hub.ocpi import codec
from hub.ocpi.messages import Party
from hub.ocpi.objects import JSON, JSONObject
from hub.ocpi.quirks import Quirks
from hub.ocpi.times import EPOCH, date_time


class NoSuchConnection(LookupError):
    """Nobody is connected under this id, name or party; the message ends with a remedy."""


class BadOption(ValueError):
    """An option or quirk that does not exist, or a value it cannot have; the message ends with a remedy."""


async def invite(
    store: Store,
    versions_url: str,
    *,
    name: str,
    roles: Iterable[str] = (),
    expires: datetime.timedelta | None = None,
    options: Mapping[str, Any] | None = None,
    parties: Iterable[tuple[str, Party]] = (),
) -> JSONObject:
    """Make a CREDENTIALS_TOKEN_A and return ``{"token", "versions_url", "expires_at"}``.

    Args:
        roles: the roles it may register; none: any.
        expires: how long it is good; None: until it is used.
        options: of the connection to come.
        parties: (role, party) pairs that are to come: told as PLANNED, and no others may it register.

    Raises:
        SecretUnavailable: the key is not the store's.
    """
    await store.check_key()
    token, invitation_id = new_token(), new_id()
    until = store.now() + expires // datetime.timedelta(microseconds=1) if expires else 0
    planned = list(parties)

    async def work(tx: Transaction) -> None:
        await store.invite(
            tx, invitation_id=invitation_id, kind="invitation", name=name, token=token,
            roles=[invited_as(*each) for each in planned] or roles, options=options, expires=until,
        )  # fmt: skip
        await store.plan(tx, invitation_id, planned)

    await store.database.transact(work)
    return {"token": token, "versions_url": versions_url, "expires_at": moment(until)}


def moment(at: int) -> str | None:
    """Return microseconds since 1970 as a DateTime; None for 0."""
    return date_time(EPOCH + datetime.timedelta(microseconds=at)) if at else None


# -- looking ---------------------------------------------------------------------------------------


async def connections(store: Store) -> list[JSONObject]:
    """Return all connections, and the invitations nobody has used, in short."""
    rows = await store.load()
    return [_short(row, rows) for row in rows.connections] + [
        _invited(row, store.now()) for row in rows.invitations if row[1] == "invitation"
    ]


async def connection(store: Store, text: str) -> JSONObject:
    """Return all about a connection or an invitation but its tokens.

    Args:
        text: an id, a name, or CC-PID of one of its parties.

    Raises:
        NoSuchConnection: there is none.
    """
    rows = await store.load()
    found = _find(rows, text)
    if found in rows.invitations:
        return _invited(found, store.now())
    connection_id, _, _, versions_url, _, _, accepted, quirks, options, created, changed, _ = found
    return {
        **_short(found, rows),
        "versions_url": versions_url,
        "roles": [
            {
                "role": role,
                "country_code": country_code,
                "party_id": party_id,
                "business_details": codec.decode(details.encode()),
            }
            for of, role, country_code, party_id, details in rows.roles
            if of == connection_id
        ],
        "endpoints": [
            {"identifier": module, "role": role, "url": url}
            for of, module, role, url in rows.endpoints
            if of == connection_id
        ],
        "accepted_roles": codec.decode(accepted.encode()),
        "quirks": dataclasses.asdict(Quirks.from_json(codec.decode(quirks.encode()))),
        "options": codec.decode(options.encode()),
        "created": moment(created),
        "status_since": moment(changed),
    }


def _short(row: Row, rows: Rows) -> JSONObject:
    parts = [each for each in rows.roles if each[0] == row[0]]
    return {
        "id": row[0],
        "name": row[1],
        "status": row[5],
        "version": row[2],
        "parties": list(dict.fromkeys(f"{country_code}-{party_id}" for _, _, country_code, party_id, _ in parts)),
        "roles": list(dict.fromkeys(each[1] for each in parts)),
        "last_seen": moment(row[11]),
    }


def _invited(row: Row, now: int) -> JSONObject:
    invitation_id, _, name, _, roles, options, expires = row
    return {
        "id": invitation_id,
        "name": name,
        "status": "EXPIRED" if expires and expires <= now else "INVITED",
        "version": None,
        "parties": [],
        "roles": codec.decode(roles.encode()),
        "last_seen": None,
        "expires_at": moment(expires),
        "options": codec.decode(options.encode()),
    }


def _find(rows: Rows, text: str) -> Row:
    """Return the row of a connection or an invitation an operator means: by id, then name, then party."""
    invitations = [row for row in rows.invitations if row[1] == "invitation"]
    of_party = {of for of, _, country_code, party_id, _ in rows.roles if f"{country_code}-{party_id}" == text.upper()}
    for fits in (
        [row for row in (*rows.connections, *invitations) if row[0] == text],
        [row for row in rows.connections if row[1] == text],
        [row for row in rows.connections if row[0] in of_party],
        [row for row in invitations if row[2] == text],
    ):
        if len(fits) > 1:
            ids = ", ".join(row[0] for row in fits)
            raise NoSuchConnection(f"{text!r} may be one of {len(fits)} connections; give the id, one of {ids}")
        if fits:
            return fits[0]
    raise NoSuchConnection(f"{text!r} is no connection; 'emall party list' shows them all")


# -- changing --------------------------------------------------------------------------------------


async def suspend(store: Store, text: str) -> JSONObject:
    """End all traffic with a connection until it is resumed; an invitation is taken back.

    Raises:
        NoSuchConnection: there is none.
    """
    rows = await store.load()
    found = _find(rows, text)
    if found in rows.invitations:
        await store.database.transact(lambda tx: store.cancel_invitation(tx, found[0]))
        return {**_invited(found, store.now()), "status": "WITHDRAWN"}
    await store.database.transact(lambda tx: store.set_status(tx, found[0], "SUSPENDED", "CONNECTED", "OFFLINE"))
    return await connection(store, found[0])


async def resume(store: Store, text: str) -> JSONObject:
    """Let a suspended connection take part again.

    Raises:
        NoSuchConnection: there is none.
    """
    found = _connected(await store.load(), text)
    await store.database.transact(lambda tx: store.set_status(tx, found[0], "CONNECTED", "SUSPENDED"))
    return await connection(store, found[0])


async def set_option(store: Store, text: str, changes: Mapping[str, JSON]) -> JSONObject:
    """Set options (``keep_nothing``) and quirks (``quirks.lean``) of a connection; None takes one away.

    Raises:
        NoSuchConnection: there is none.
        BadOption: one does not exist, or cannot have this value.
    """
    found = _connected(await store.load(), text)
    quirks, options = codec.decode(found[7].encode()), codec.decode(found[8].encode())
    for name, value in changes.items():
        kind, _, quirk = name.partition(".")
        if kind == "quirks" and quirk:
            _set(quirks, quirk, value, _quirk)
        else:
            _set(options, name, value, _option)

    async def work(tx: Transaction) -> None:
        await store.set_json(tx, found[0], "quirks", quirks)
        await store.set_json(tx, found[0], "options", options)

    await store.database.transact(work)
    return await connection(store, found[0])


def _connected(rows: Rows, text: str) -> Row:
    found = _find(rows, text)
    if found in rows.invitations:
        raise NoSuchConnection(f"{text!r} is only invited; wait until it has registered")
    return found


def _set(known: JSONObject, name: str, value: JSON, check: Callable[[str, JSON], JSON]) -> None:
    checked = check(name, value)
    if value is None:
        known.pop(name, None)
    else:
        known[name] = checked


def _quirk(name: str, value: JSON) -> JSON:
    hints = get_type_hints(Quirks)
    if name not in hints:
        raise BadOption(f"quirks.{name} does not exist; there are {', '.join(sorted(hints))}")
    allowed = [json.dumps(each) for each in get_args(hints[name]) or (True, False)]
    if value is not None and json.dumps(value) not in allowed:
        raise BadOption(f"quirks.{name} cannot be {json.dumps(value)}; give one of {', '.join(allowed)}")
    return value


def _option(name: str, value: JSON) -> JSON:
    check = OPTIONS.get(name)
    if check is None:
        raise BadOption(f"option {name} does not exist; there are {', '.join(sorted(OPTIONS))}")
    return check(name, value) if value is not None else None


def _flag(name: str, value: JSON) -> JSON:
    if not isinstance(value, bool):
        raise BadOption(f"option {name} cannot be {json.dumps(value)}; give true or false")
    return value


def _parties(name: str, value: JSON) -> JSON:
    try:
        return [each if each == "*" else str(Party.parse(each)) for each in _texts(name, value)]
    except ValueError as error:
        raise BadOption(f"{name}: {error}; give a party's CC-PID, or * for all") from error


def _texts(name: str, value: JSON) -> list[str]:
    listed = [each.strip() for each in value.split(",")] if isinstance(value, str) else value
    if not isinstance(listed, list) or not all(isinstance(each, str) and each for each in listed):
        raise BadOption(f"option {name} cannot be {json.dumps(value)}; give names with commas between")
    return listed


#: What an operator may set on a connection.
OPTIONS: dict[str, Callable[[str, JSON], JSON]] = {
    "keep_nothing": _parties,
    "response_hosts": _texts,
    "allow_2_2": _flag,
    "present_state": _flag,
}
