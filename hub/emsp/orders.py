"""What an operator orders of the eMSP from the command line: tokens, commands, and a look at what came."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from hub.emsp.asking import COMMANDS, Asking
from hub.emsp.store import Store
from hub.emsp.tokens import new_token
from hub.ocpi.errors import InvalidParameters, UnknownToken
from hub.ocpi.messages import Party
from hub.ocpi.objects import JSON, JSONObject

#: Carries out one kind of order; what it returns is shown to whoever gave it.
Handler = Callable[[Mapping[str, Any]], Awaitable[JSON]]


def orders(store: Store, asking: Asking) -> Mapping[str, Handler]:
    """Return the handlers by order kind."""
    shelves = {
        "tokens": store.tokens, "locations": store.locations, "tariffs": store.tariffs, "sessions": store.sessions,
        "cdrs": store.cdrs,
    }  # fmt: skip

    async def put_token(arguments: Mapping[str, Any]) -> JSON:
        """{"uid", "type"?, "whitelist"?, "valid"?, "contract_id"?, ...} -> the Token, told to everyone."""
        token = new_token(store.party, arguments)
        await store.put_token(token)
        return token

    async def command(arguments: Mapping[str, Any]) -> JSON:
        """{"command", "to", "token_uid"?, "token_type"?, ...the command's own fields} -> the order."""
        name = str(arguments["command"])
        if name not in COMMANDS:
            raise InvalidParameters(f"command: not one of {', '.join(COMMANDS)}")
        body = {key: value for key, value in arguments.items() if key not in _OURS and value is not None}
        if name in ("START_SESSION", "RESERVE_NOW"):
            body["token"] = await _token(store, arguments)
        return (await asking.command(name, _party(arguments["to"]), body)).to_json()

    async def show_order(arguments: Mapping[str, Any]) -> JSON:
        """{"uid"} -> the order and what came of it."""
        order = await store.order(str(arguments["uid"]))
        return order.to_json() if order else None

    async def list_objects(arguments: Mapping[str, Any]) -> JSON:
        """{"kind": ...} -> the objects on a shelf, in the order they came."""
        return await shelves[arguments["kind"]].all()

    return {
        "emsp.put_token": put_token,
        "emsp.command": command,
        "emsp.order": show_order,
        "emsp.list": list_objects,
    }


_OURS = frozenset({"command", "to", "token_uid", "token_type"})


def _party(text: str) -> Party:
    try:
        return Party.parse(text)
    except ValueError as error:
        raise InvalidParameters(str(error)) from error


async def _token(store: Store, arguments: Mapping[str, Any]) -> JSONObject:
    """Return the Token a command is for: one of ours (mod_commands: others' are not allowed)."""
    token = await store.token(str(arguments["token_uid"]), str(arguments.get("token_type") or "RFID"))
    if token is None:
        raise UnknownToken(f"there is no Token {arguments['token_uid']}; add it first")
    return token
