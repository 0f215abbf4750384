"""``emall deliveries``: what is on its way to whom, and having it sent again."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from hub.cli.options import DATA, AsJson, Data, DatabaseURL, option
from hub.cli.output import Failure, show, table
from hub.cli.stores import on_store
from hub.ocpi.objects import JSON

if TYPE_CHECKING:
    from hub.database import Database

app = typer.Typer(help="Look at deliveries, and have one sent again.")

COLUMNS = ("id", "party", "state", "operation", "object", "attempts", "reason", "correlation_id")


@app.command("list")
def list_deliveries(
    party: Annotated[
        str | None, option("--party", "Only those to this connection (id or name) or party.", metavar="ID")
    ] = None,
    state: Annotated[
        Literal["pending", "failed", "done"] | None, option("--state", "Only those in this state.")
    ] = None,
    limit: Annotated[int, option("--limit", "How many at most, the newest first.", min=1)] = 1000,
    data: Data = DATA,
    database: DatabaseURL = None,
    as_json: AsJson = False,
) -> None:
    """List deliveries, the newest first."""

    async def work(store: "Database") -> JSON:
        from hub.admin import deliveries

        return await deliveries(store, party=party, state=state, limit=limit)

    found = on_store(work, data, database)
    rows = [each | {"operation": each["operation"].partition("/")[0]} for each in found]
    show(found, table(rows, COLUMNS, empty="no deliveries"), as_json=as_json)


@app.command()
def retry(
    delivery_id: Annotated[int, typer.Argument(metavar="DELIVERY_ID", min=0, max=2**63 - 1)],
    data: Data = DATA,
    database: DatabaseURL = None,
    as_json: AsJson = False,
) -> None:
    """Have a delivery sent again, with the object as it is now."""

    async def work(store: "Database") -> None:
        from hub.ocpi.deliveries import retry as send_again

        try:
            await send_again(store, delivery_id)
        except (LookupError, ValueError) as error:
            message = str(error.args[0])
            remedy = "" if ";" in message else "; see 'emall deliveries list'"
            raise Failure(message + remedy) from error

    on_store(work, data, database)
    show({"id": delivery_id, "state": "pending"}, [f"{delivery_id} is pending again"], as_json=as_json)
