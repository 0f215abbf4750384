"""The log: every frame, both ways, as it was sent; for `emall cpms frames`.

Frames are noted in memory and stored a quarter of a second later, those of one station together in one row: so a frame
costs the station nothing, and a store of 10,000 stations some hundred rows a second. A row is found by its station and
its time; what it holds is searched as it is read.

It is a record and not the truth: a process that is killed loses the frames of its last moment, and a store that cannot
keep up loses frames rather than memory, and counts them.
"""

import asyncio
import datetime
import logging
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import msgspec

from hub.database.contract import Database, DatabaseUnavailable, Row, Transaction

log = logging.getLogger(__name__)

Direction = Literal["in", "out"]

DAY = 86_400_000_000  # in microseconds

_STORE_EVERY = 0.25  # seconds
_PRUNE_EVERY = 3600.0  # seconds
_PAGE = 500  # rows read, or forgotten, at once
_NEVER = 2**62
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


class LoggedFrame(NamedTuple):
    """One frame.

    Attributes:
        at: when it passed, in microseconds since 1970, UTC.
        direction: in from the station, out to it.
    """

    at: int
    direction: str
    text: str


class Noted(NamedTuple):
    """A frame in the log, with whose it is.

    Attributes:
        at: when it passed, UTC.
        action: of a CALL or SEND; of an answer "".
    """

    station_id: str
    at: datetime.datetime
    direction: str
    message_id: str
    action: str
    text: str

    def as_json(self) -> dict[str, Any]:
        """Return it as a line of an export has it."""
        at = self.at.isoformat(timespec="microseconds").replace("+00:00", "Z")
        return {**self._asdict(), "at": at}


def _holds(frame: str, text: str) -> bool:
    """Whether a frame holds a text, capitals or not, and written as it is or by escapes."""
    if text.lower() in frame.lower():
        return True
    if "\\u" not in frame:
        return False
    try:
        return text.lower() in _write(msgspec.json.decode(frame)).decode().lower()
    except (msgspec.DecodeError, RecursionError):
        return False


@dataclass(frozen=True, kw_only=True)
class Search:
    """What is looked for: frames that are all of it.

    Attributes:
        since, until: the first instant, and the first after the last.
        message_id: of the CALL and its answer alike.
        text: anywhere in the frame, capitals or not.
    """

    station_id: str | None = None
    since: datetime.datetime | None = None
    until: datetime.datetime | None = None
    action: str | None = None
    message_id: str | None = None
    text: str | None = None

    def finds(self, frame: Noted) -> bool:
        """Whether a frame is what is looked for; station and time of its row are judged before."""
        return (
            (self.since is None or frame.at >= self.since)
            and (self.until is None or frame.at < self.until)
            and (self.action is None or frame.action == self.action)
            and (self.message_id is None or frame.message_id == self.message_id)
            and (self.text is None or _holds(frame.text, self.text))
        )


_read = msgspec.json.Decoder(list[LoggedFrame]).decode
_write = msgspec.json.Encoder().encode


class FrameLog:
    """Notes frames and stores them in bunches.

    Args:
        days: how long frames are kept.
        limit: frames that may wait to be stored.
    """

    def __init__(self, database: Database, *, days: float = 30, limit: int = 100_000) -> None:
        self.lost = 0  # frames that found no room, since the start
        self._database = database
        self._days = days
        self._limit = limit
        self._noted: list[tuple[str, int, str, bytes]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._storing: asyncio.Task[None] | None = None
        self._pruning: asyncio.Task[None] | None = None

    def frame(self, station_id: str, direction: str, data: bytes) -> None:
        """Note a frame."""
        if len(self._noted) >= self._limit:
            self.lost += 1
            return
        self._noted.append((station_id, time.time_ns(), direction, data))
        if self._timer is None and self._storing is None:
            self._timer = asyncio.get_running_loop().call_later(_STORE_EVERY, self._store)

    async def start(self) -> None:
        """Begin to forget what is old."""
        self._pruning = asyncio.create_task(self._prune_regularly())

    async def stop(self) -> None:
        """Store what is noted, and end."""
        if self._pruning is not None:
            self._pruning.cancel()
            await asyncio.wait([self._pruning])
        await self.flush()

    async def flush(self) -> None:
        """Store what is noted now."""
        while self._noted or self._storing is not None:
            if self._timer is not None:
                self._timer.cancel()
            if self._storing is None:
                self._store()
            assert self._storing is not None, "there is something to store"
            await asyncio.wait([self._storing])

    def _store(self) -> None:
        self._timer = None
        noted, self._noted = self._noted, []
        self._storing = asyncio.create_task(self._put(noted))

    async def _put(self, noted: list[tuple[str, int, str, bytes]]) -> None:
        try:
            await self._database.transact(lambda tx: _insert(tx, noted))
        except DatabaseUnavailable as error:
            self.lost += len(noted)
            log.warning("%d frames are not in the log: %s", len(noted), error)
        finally:
            self._storing = None
            if self._noted:
                self._timer = asyncio.get_running_loop().call_later(_STORE_EVERY, self._store)

    async def _prune_regularly(self) -> None:
        while True:
            try:
                await self.prune()
            except DatabaseUnavailable as error:
                log.warning("cannot shorten the log of frames: %s", error)
            await asyncio.sleep(_PRUNE_EVERY)

    async def prune(self, now: int | None = None) -> None:
        """Forget what is older than ``days``.

        Args:
            now: in microseconds since 1970, UTC.
        """
        before = (time.time_ns() // 1000 if now is None else now) - round(self._days * DAY)
        while await self._database.transact(lambda tx: tx.execute(_FORGET, before, _PAGE)) == _PAGE:
            pass


async def _insert(tx: Transaction, noted: list[tuple[str, int, str, bytes]]) -> None:
    """Store frames, those of a station in one row. Runs where the store writes, off the event loop."""
    by_station: dict[str, list[LoggedFrame]] = {}
    for station_id, at, direction, data in noted:
        frame = LoggedFrame(at // 1000, direction, without_passwords(data.decode(errors="replace")))
        by_station.setdefault(station_id, []).append(frame)
    await tx.executemany(
        _INSERT,
        [(station_id, found[0].at, found[-1].at, _write(found)) for station_id, found in by_station.items()],
    )


#: Settings of a station that hold its password: 1.6's key, and 2.0.1's variable.
_SECRETS = ("AuthorizationKey", "BasicAuthPassword")


def without_passwords(text: str) -> str:
    """Return a frame as it may be kept: a station's password is told only to the station."""
    if not any(each in text for each in _SECRETS):
        return text
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return "(a frame about a password that cannot be read)"
    return _write(_hidden(value)).decode()


def _hidden(value: Any) -> Any:
    if isinstance(value, list):
        return [_hidden(each) for each in value]
    if not isinstance(value, dict):
        return value
    variable = value.get("variable")
    name = variable.get("name") if isinstance(variable, dict) else value.get("key")
    hide = ("value", "attributeValue") if name in _SECRETS else ()
    return {key: "***" if key in hide else _hidden(each) for key, each in value.items()}


async def search(database: Database, wanted: Search) -> AsyncIterator[Noted]:
    """Yield the frames that are what is looked for: of a station in the order they passed, of several nearly so."""
    first = _micros(wanted.since) if wanted.since is not None else 0
    last = _micros(wanted.until) if wanted.until is not None else _NEVER
    after, row_id = first, 0
    while True:
        rows = await _page(database, wanted.station_id, after, row_id, last)
        for row in rows:
            for frame in _frames(row):
                if wanted.finds(frame):
                    yield frame
        if len(rows) < _PAGE:
            return
        row_id, _, after, _ = rows[-1]


async def _page(database: Database, station_id: str | None, after: int, row_id: int, last: int) -> list[Row]:
    if station_id is None:
        return await database.fetch(_ALL, after, row_id, last, _PAGE)
    return await database.fetch(_OF_STATION, after, row_id, last, _PAGE, station_id)


_INSERT = "INSERT INTO ocpp_frames (station_id, first_at, last_at, frames) VALUES ($1, $2, $3, $4)"
_FORGET = (
    "DELETE FROM ocpp_frames WHERE id IN (SELECT id FROM ocpp_frames WHERE last_at < $1 ORDER BY last_at LIMIT $2)"
)
_SELECT = (
    "SELECT id, station_id, last_at, frames FROM ocpp_frames WHERE (last_at > $1 OR (last_at = $1 AND id > $2))"
    " AND first_at < $3"
)
_ALL = _SELECT + " ORDER BY last_at, id LIMIT $4"
_OF_STATION = _SELECT + " AND station_id = $5 ORDER BY last_at, id LIMIT $4"


def _frames(row: Row) -> list[Noted]:
    _, station_id, _, stored = row
    found = []
    for frame in _read(bytes(stored)):
        message_id, action = _named(frame.text)
        at = _EPOCH + datetime.timedelta(microseconds=frame.at)
        found.append(Noted(station_id, at, frame.direction, message_id, action, frame.text))
    return found


def _named(text: str) -> tuple[str, str]:
    """Return message id and action of a frame, as far as it has them."""
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return "", ""
    if not isinstance(value, list) or len(value) < 2:
        return "", ""
    action = value[2] if value[0] in (2, 6) and len(value) > 2 else ""
    return str(value[1]), action if isinstance(action, str) else ""


def _micros(at: datetime.datetime) -> int:
    return (at - _EPOCH) // datetime.timedelta(microseconds=1)
