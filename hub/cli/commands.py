"""The commands, one file per group."""

from typing import Annotated

import typer

from hub.cli import access, chargers, deliveries, doctor, importing, ours, party, serving, stations, tracing
from hub.cpms.api.scopes import REALM as CPMS
from hub.emsp.api.scopes import REALM as EMSP

app = typer.Typer(name="emall", add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"emall {version('emall')}")
        raise typer.Exit


@app.callback()
def emall(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Run and look after an OCPI roaming hub with a pluggable CPMS and eMSP."""


app.command("serve", epilog=serving.EPILOG)(serving.serve)
app.add_typer(party.app, name="party")
app.command("trace")(tracing.trace)
app.add_typer(tracing.route, name="route")
app.add_typer(deliveries.app, name="deliveries")
app.add_typer(importing.app, name="import")
ours.cpms.add_typer(stations.app, name="station")
ours.cpms.command("frames")(stations.frames)
for group, realm in ((ours.cpms, CPMS), (ours.emsp, EMSP)):
    group.add_typer(access.admins(realm), name="admin")
    group.add_typer(access.keys(realm), name="key")
app.add_typer(ours.cpms, name="cpms")
app.add_typer(ours.emsp, name="emsp")
app.add_typer(chargers.app, name="chargers")
app.command("doctor")(doctor.doctor)
