"""``emall import``: an OCPI export becomes the Locations or Tariffs of our CPMS, which pushes them to the hub.

Each object is judged as its version has it. What is invalid, or another party's, is reported with line, path and
rule, and left out; the rest goes to the running server in batches.
"""

import asyncio
import dataclasses
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.cli.options import DATA, AsJson, Data, DatabaseURL, option
from hub.cli.output import Failure, note, show
from hub.cli.stores import on_store
from hub.ocpi.objects import JSON, JSONObject

if TYPE_CHECKING:
    from hub.cli.exports import Entry
    from hub.database import Database

app = typer.Typer(help="Take an OCPI export as our CPMS's own.")

BATCH = 250  # objects in one order
AT_ONCE = 4  # orders given together: each takes the server a moment to notice
SAMPLE = 200  # objects that decide which version an export is in

File = Annotated[Path, typer.Argument(help="JSON array, OCPI envelope or JSON lines; - is stdin.", metavar="FILE")]
TakenFrom = Annotated[
    list[str] | None,
    option("--party", "Take over the objects of this party too, as our CPMS's own; may repeat.", metavar="CC-PID"),
]
OcpiVersion = Annotated[
    str | None, option("--ocpi-version", "Version of the export; without it found by trying.", metavar="2.2.1|2.3.0")
]


@app.command()
def locations(
    file: File,
    party: TakenFrom = None,
    ocpi_version: OcpiVersion = None,
    data: Data = DATA,
    database: DatabaseURL = None,
    as_json: AsJson = False,
) -> None:
    """Import Locations."""
    _import(_Import("locations", file, party or [], ocpi_version), data, database, as_json)


@app.command()
def tariffs(
    file: File,
    party: TakenFrom = None,
    ocpi_version: OcpiVersion = None,
    data: Data = DATA,
    database: DatabaseURL = None,
    as_json: AsJson = False,
) -> None:
    """Import Tariffs."""
    _import(_Import("tariffs", file, party or [], ocpi_version), data, database, as_json)


@dataclasses.dataclass(frozen=True)
class _Import:
    """What was asked for."""

    module: str
    file: Path
    taken_from: Sequence[str]
    version: str | None


def _import(asked: _Import, data: Path, database: str | None, as_json: bool) -> None:
    from hub.cli.exports import read

    entries = read(_bytes_of(asked.file))

    async def work(store: "Database") -> JSON:
        return await _carry_over(store, asked, entries)

    told = on_store(work, data, database)
    if not as_json:
        for each in told["invalid"]:
            which = f"{asked.module} {each['index']} {each['id'] or ''}".rstrip()
            note(f"{asked.file}:{each['line']}: {which}: {each['path']}: {each['rule']}")
    invalid = len(told["invalid"])
    summary = f"{told['imported']} of {told['read']} {asked.module} imported (OCPI {told['version']})"
    show(told, [summary], as_json=as_json)
    if invalid:
        raise Failure(f"{invalid} of {told['read']} objects were left out; correct them and import them again")


def _bytes_of(file: Path) -> bytes:
    try:
        return sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise Failure(f"{file}: {error.strerror}; give a file that can be read", code=2) from error


async def _carry_over(store: "Database", asked: _Import, entries: "Sequence[Entry]") -> JSON:
    """Judge the objects and hand the good ones to the server, batch by batch."""
    from hub.orders import give

    judge = await _judge_for(store, asked, entries)
    await give(store, "ping", {})
    faults: list[Fault] = []
    with _progress(asked.module, len(entries)) as advance:
        for start in range(0, len(entries), BATCH * AT_ONCE):
            verdicts = [judge(entry) for entry in entries[start : start + BATCH * AT_ONCE]]
            faults += [each for each in verdicts if isinstance(each, Fault)]
            good = [each for each in verdicts if not isinstance(each, Fault)]
            batches = [good[first : first + BATCH] for first in range(0, len(good), BATCH)]
            orders = [{"kind": asked.module, "objects": batch} for batch in batches]
            await asyncio.gather(*(give(store, "cpms.import", each, timeout=120) for each in orders))
            advance(len(verdicts))
    return {
        "read": len(entries),
        "imported": len(entries) - len(faults),
        "invalid": [dataclasses.asdict(each) for each in faults],
        "version": judge.version.number,
    }


@contextmanager
def _progress(module: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show a bar on stderr, if somebody can see it."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(f"importing {module}", total=total)
        yield lambda count: progress.update(task, advance=count)


async def _judge_for(store: "Database", asked: _Import, entries: "Sequence[Entry]") -> "_Judge":
    from hub.ocpi.messages import Party
    from hub.ocpi.modules import locations, tariffs
    from hub.ocpi.versions import VERSIONS
    from hub.recorded import recorded_settings

    settings = await recorded_settings(store)
    if settings is None or "cpms" not in settings.rooms:
        raise Failure("no CPMS runs on this store; start 'emall serve' with room cpms and import then", code=2)
    declared: Any = {"locations": locations.Location, "tariffs": tariffs.Tariff}[asked.module]
    if asked.version is not None and asked.version not in VERSIONS:
        raise Failure(f"--ocpi-version {asked.version} is not served; give one of {', '.join(VERSIONS)}", code=2)
    try:
        taken_from = frozenset(Party.parse(each) for each in asked.taken_from)
    except ValueError as error:
        raise Failure(f"--party: {error}; give it as CC-PID", code=2) from error
    candidates = [VERSIONS[asked.version]] if asked.version else sorted(VERSIONS.values(), key=lambda each: each.number)
    judges = [_Judge(version, declared, Party.parse(settings.cpo_id), taken_from) for version in candidates]
    return max(judges, key=lambda judge: (sum(judge.valid(each) for each in entries[:SAMPLE]), judge.version.number))


@dataclasses.dataclass(frozen=True)
class Fault:
    """Why an object was left out.

    Attributes:
        index: its place in the file, from 0; ``line``: where it begins, from 1.
        id: its id, if it can be made out.
        path: what is wrong, from the object's root.
    """

    index: int
    line: int
    id: str | None
    path: str
    rule: str


@dataclasses.dataclass(frozen=True)
class _Judge:
    """Says of an entry what it is in the newest version, or what is wrong with it.

    Attributes:
        version: the version of the export.
        owner: our CPMS's party; the objects of ``taken_from`` become its own.
    """

    version: Any
    declared: Any
    owner: Any
    taken_from: frozenset[Any]

    def valid(self, entry: "Entry") -> bool:
        """Return whether the entry is valid in this version, whoever owns it."""
        return not entry.fault and self._fault(entry) is None

    def __call__(self, entry: "Entry") -> JSONObject | Fault:
        """Return the object in the newest version, or why it is left out."""
        if entry.fault:
            return Fault(entry.index, entry.line, None, "$", entry.fault)
        fault = self._fault(entry)
        if fault is None:
            return self._raised(entry)
        path, _, rule = fault.partition(": ")
        if not path.startswith("$"):
            path, rule = "$", fault
        return Fault(entry.index, entry.line, _id_of(entry), path, rule)

    def _fault(self, entry: "Entry") -> str | None:
        from hub.ocpi.errors import InvalidParameters

        try:
            self.version.judge(entry.text, self.declared)
        except InvalidParameters as error:
            return str(error)
        return None

    def _raised(self, entry: "Entry") -> JSONObject | Fault:
        from hub.ocpi import codec
        from hub.ocpi.messages import Party

        value: JSONObject = self.version.up(codec.decode(entry.text), self.declared, None)
        owner = Party.of(value["country_code"], value["party_id"])
        if owner == self.owner:
            return value
        if owner in self.taken_from:
            return value | {"country_code": self.owner.country_code, "party_id": self.owner.party_id}
        rule = f"it is {owner}'s and our CPMS is {self.owner}; import it with --party {owner} to take it over"
        return Fault(entry.index, entry.line, value["id"], "$.party_id", rule)


def _id_of(entry: "Entry") -> str | None:
    """Return the id of an object that is not valid, if it can be made out."""
    import msgspec

    try:
        value = msgspec.json.decode(entry.text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    found = value.get("id") if isinstance(value, dict) else None
    return found if isinstance(found, str) else None
