"""``emall cpms station``: which chargers may connect, and ``emall cpms frames``: what passed between us and them.

Each command works on the store; a running server hears of a change within a second.
"""

import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.cli.admitting import Admission, Wanted
from hub.cli.options import DATA, AsJson, Data, DatabaseURL, option
from hub.cli.output import Failure, one_line, show, table
from hub.cli.placing import place
from hub.cli.stores import on_store

if TYPE_CHECKING:
    from hub.database import Database

app = typer.Typer(help="Add, list and remove the charging stations that may connect over OCPP.")

StationId = Annotated[str, typer.Argument(help="The station's id, the last part of its URL.", metavar="ID")]

_COLUMNS = ("id", "state", "security_profile", "versions", "vendor", "model", "firmware_version", "last_seen")
_VERSIONS = ("1.6", "2.0.1", "2.1")


@app.command()
def add(
    station_id: StationId,
    profile: Annotated[
        int | None,
        option(
            "--security-profile",
            "0 none, 1 password, 2 password over TLS, 3 certificate; without it 1, or what a known one has.",
            min=0,
            max=3,
        ),
    ] = None,
    password: Annotated[
        str | None,
        option("--password", "Of profile 1 and 2; without it one is made and printed, once.", metavar="P"),
    ] = None,
    renewed: Annotated[
        bool, option("--new-password", "Of a known station: make another; it is locked out until it has it.")
    ] = False,
    versions: Annotated[
        str, option("--versions", "OCPP versions it may speak, as 1.6,2.0.1; without it any.", metavar="LIST")
    ] = "",
    serial_number: Annotated[
        str, option("--serial-number", "Of profile 3: what its certificate is made out to, if not ID.", metavar="S")
    ] = "",
    location: Annotated[
        str, option("--location", "Our Location it stands at; later it can be put there over the API.", metavar="ID")
    ] = "",
    evse: Annotated[
        str, option("--evse", "uids of its EVSEs there, in the station's order, as E1,E2.", metavar="LIST")
    ] = "",
    data: Data = DATA,
    database: DatabaseURL = None,
    as_json: AsJson = False,
) -> None:
    """Let a station connect; one that waits is let in, one that is known keeps its password unless told another."""
    from hub.ocpp.boots import Identity
    from hub.ocpp.stations import Station, Stations

    _check_id(station_id)
    evses = [each.strip() for each in evse.split(",") if each.strip()]
    if bool(location) != bool(evses):
        raise typer.BadParameter("--location and --evse belong together; give both, or neither")
    spoken = _versions(versions)
    wanted = Wanted(profile, password, renewed)
    wanted.check(profile if profile is not None else 1)

    async def work(store: "Database") -> Admission:
        stations = Stations(store)
        admission = wanted.of(await stations.find(station_id))
        if location:
            await place(store, station_id, location, evses, protocol=next(iter(spoken)) if len(spoken) == 1 else "")
        await stations.put(
            Station(
                id=station_id,
                security_profile=admission.profile,
                passwords=admission.hashes,
                versions=spoken,
                identity=Identity(serial_number=serial_number),
            )
        )
        return admission

    admission = on_store(work, data, database, create=True)
    told = {"id": station_id, "security_profile": admission.profile, "password": admission.made}
    told |= {"password_kept": True} if admission.kept else {}
    told |= {"location_id": location, "evse_uids": evses} if location else {}
    show(
        told,
        [f"{station_id} may connect with security profile {admission.profile}", *admission.lines()],
        as_json=as_json,
    )


def _check_id(station_id: str) -> None:
    from hub.ocpp.stations import is_station_id

    if not is_station_id(station_id):
        raise typer.BadParameter(f"{station_id!r} cannot be a station's id; give up to 255 printable characters")


def _versions(text: str) -> frozenset[str]:
    found = frozenset(each.strip() for each in text.split(",") if each.strip())
    if unknown := found - set(_VERSIONS):
        raise typer.BadParameter(f"{sorted(unknown)[0]!r} is no version spoken here; give some of 1.6,2.0.1,2.1")
    return found


@app.command("list")
def list_stations(
    waiting: Annotated[bool, option("--waiting", "Only those that wait to be let in.")] = False,
    data: Data = DATA,
    database: DatabaseURL = None,
    as_json: AsJson = False,
) -> None:
    """List the stations that may connect, and those that wait to be let in."""
    from hub.ocpp.stations import Stations

    async def work(store: "Database") -> list[dict[str, Any]]:
        return [each.as_json() for each in await Stations(store).all("waiting" if waiting else None)]

    found = on_store(work, data, database)
    show(found, table(found, _COLUMNS, empty="no stations"), as_json=as_json)


@app.command()
def remove(station_id: StationId, data: Data = DATA, database: DatabaseURL = None, as_json: AsJson = False) -> None:
    """Forget a station: it is disconnected and may not connect any more."""
    from hub.ocpp.stations import Stations

    async def work(store: "Database") -> bool:
        return await Stations(store).remove(station_id)

    if not on_store(work, data, database):
        raise Failure(f"{station_id}: no such station; 'emall cpms station list' shows them")
    show({"removed": station_id}, [f"{station_id} may not connect any more"], as_json=as_json)


@app.command()
def lenient(
    vendor: Annotated[str, typer.Argument(help="As its stations tell at boot.", metavar="VENDOR")],
    model: Annotated[str, typer.Argument(help="As they tell; without it all models.", metavar="MODEL")] = "",
    allow: Annotated[
        str, option("--allow", "Names of leniencies, separated by commas; without it strict again.", metavar="LIST")
    ] = "",
    data: Data = DATA,
    database: DatabaseURL = None,
    as_json: AsJson = False,
) -> None:
    """Let pass what a make of station gets wrong; each station that needs it is marked in 'list --json'."""
    from hub.ocpp.leniency import LENIENCIES, Leniencies

    names = frozenset(each.strip() for each in allow.split(",") if each.strip())
    if unknown := names - set(LENIENCIES):
        raise typer.BadParameter(f"{sorted(unknown)[0]!r} is no leniency; give some of {', '.join(LENIENCIES)}")

    async def work(store: "Database") -> None:
        await Leniencies(store).grant(vendor, model, names)

    on_store(work, data, database)
    line = f"{vendor} {model or '(all models)'}: {', '.join(sorted(names)) or 'strict'}"
    show({"vendor": vendor, "model": model, "leniencies": sorted(names)}, [line], as_json=as_json)


def frames(
    station: Annotated[str | None, option("--station", "Of this station.", metavar="ID")] = None,
    since: Annotated[str | None, option("--since", "From this time on (UTC), 2026-01-31T12:00:00Z.")] = None,
    until: Annotated[str | None, option("--until", "Before this time (UTC).")] = None,
    action: Annotated[str | None, option("--action", "CALLs of this action, as MeterValues.")] = None,
    message_id: Annotated[str | None, option("--message-id", "A CALL and its answer.", metavar="ID")] = None,
    text: Annotated[str | None, option("--text", "With this text in them.")] = None,
    data: Data = DATA,
    database: DatabaseURL = None,
    as_json: Annotated[bool, option("--json", "Print each frame as one line of JSON.")] = False,
) -> None:
    """Search the log of OCPP frames; with --json it is an export, a line for each frame."""
    import json

    from hub.ocpp.framelog import Search, search

    wanted = Search(
        station_id=station,
        since=_instant("--since", since),
        until=_instant("--until", until),
        action=action,
        message_id=message_id,
        text=text,
    )

    async def work(store: "Database") -> None:
        async for frame in search(store, wanted):
            if as_json:
                print(json.dumps(frame.as_json(), ensure_ascii=False))
            else:
                way = "<" if frame.direction == "in" else ">"
                print(one_line(f"{frame.at:%Y-%m-%d %H:%M:%S.%f} {frame.station_id} {way} {frame.text}"))

    on_store(work, data, database)


def _instant(name: str, text: str | None) -> datetime.datetime | None:
    if text is None:
        return None
    try:
        at = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{name} {text!r} is no date and time; give one like 2026-01-31T12:00:00Z") from None
    return at if at.tzinfo is not None else at.replace(tzinfo=datetime.UTC)
