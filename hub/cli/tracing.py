"""``emall trace`` and ``emall route explain``: where a message went, and where one would go."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from hub.cli.options import DATA, AsJson, Data, DatabaseURL, option
from hub.cli.output import Failure, show, table
from hub.cli.stores import on_store, reception_with_key
from hub.ocpi.objects import JSON

if TYPE_CHECKING:
    from hub.database import Database
    from hub.ocpi.messages import Party

HOPS = ("at", "direction", "operation", "from", "to", "connection", "outcome", "ms", "note")
VERDICTS = ("party", "connection", "gets it", "why")

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]

route = typer.Typer(help="Ask where a request would go.")


@route.callback()
def _route() -> None:
    """Ask where a request would go."""


def trace(
    correlation_id: Annotated[str, typer.Argument(metavar="CORRELATION_ID")],
    data: Data = DATA,
    database: DatabaseURL = None,
    as_json: AsJson = False,
) -> None:
    """Show every hop of a message: who, when, operation, outcome and milliseconds."""

    async def work(store: "Database") -> JSON:
        from hub.admin import hops
        from hub.recorded import recorded_settings

        found = await hops(store, correlation_id)
        if not found:
            settings = await recorded_settings(store)
            if settings is None:
                raise Failure("no server has run on this store yet; start one with 'emall serve'")
            kept = f"hops are kept {settings.trace_days} days"
            raise Failure(f"no hop of {correlation_id} is known; check the id ({kept})")
        return found

    found = on_store(work, data, database)
    show(found, table(found, HOPS, empty=""), as_json=as_json)


@route.command()
def explain(
    sender: Annotated[str, option("--from", "The party that sends.", metavar="CC-PID")],
    receiver: Annotated[
        str, option("--to", "The receiver: a party, hub, or - for an Open Routing Request.", metavar="CC-PID|hub|-")
    ],
    method: Annotated[Method, typer.Argument(metavar="METHOD", case_sensitive=False)],
    module: Annotated[str, typer.Argument(metavar="MODULE")],
    path: Annotated[str, typer.Argument(help="What follows the module's endpoint URL.", metavar="[PATH]")] = "",
    data: Data = DATA,
    database: DatabaseURL = None,
    as_json: AsJson = False,
) -> None:
    """Tell which parties would get a request and why, or why not; nothing is sent."""

    async def work(store: "Database") -> JSON:
        return await _explained(store, data, (sender, receiver), method, module, path)

    found = on_store(work, data, database)
    rows = [each | {"gets it": "yes" if each["verdict"] else "no"} for each in found]
    show(found, table(rows, VERDICTS, empty="nobody is connected"), as_json=as_json)


async def _explained(
    store: "Database", data: Path, parties: tuple[str, str], method: str, module: str, path: str
) -> JSON:
    from hub.credentials.connections import Connections
    from hub.explaining import explain as explained
    from hub.recorded import recorded_settings

    settings = await recorded_settings(store)
    if settings is None or "hub" not in settings.rooms:
        raise Failure("no hub has run on this store; start one with 'emall serve'", code=2)
    sender, receiver = parties
    named = settings.hub_id if receiver.lower() == "hub" else receiver
    to = None if receiver == "-" else _party("--to", named)
    connections = Connections(reception_with_key(store, data, settings))
    await connections.reload()
    return await explained(connections, settings, _party("--from", sender), to, method, module, path)


def _party(what: str, text: str) -> "Party":
    from hub.ocpi.messages import Party

    try:
        return Party.parse(text)
    except ValueError as error:
        raise Failure(f"{what}: {error}; give it as CC-PID", code=2) from error
