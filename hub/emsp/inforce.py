"""The provider's terms as they hold now: a file that is changed is read again within a second, in every process.

What is no longer a file of terms, as while somebody is writing it, changes nothing: the terms that hold go on, and the
log says where it is wrong.
"""

import asyncio
import logging
from pathlib import Path

from hub.emsp.charging.ground import Terms as Charging
from hub.emsp.money.till import Terms as Money
from hub.emsp.terms import ProviderTerms, read_terms

log = logging.getLogger(__name__)

PERIOD = 1.0  # seconds between two looks at the file

_Signature = tuple[int, int, int]


class TermsInForce:
    """Terms that may change while the provider runs.

    Args:
        terms: those that hold at first; None: those of the file, or where there is none, the plain ones.
        path: their file; None: they stay as they are.

    Raises:
        OSError, ValueError: the file holds no terms.
    """

    def __init__(self, terms: ProviderTerms | None = None, *, path: Path | None = None) -> None:
        self._path = path
        self._seen = _signature(path) if path else None
        self._task: asyncio.Task[None] | None = None
        self._take(terms or (read_terms(path) if path else ProviderTerms()))

    def _take(self, terms: ProviderTerms) -> None:
        self._terms, self._charging, self._money = terms, terms.charging.in_force(), terms.money.in_force()

    def all(self) -> ProviderTerms:
        """Return the terms as they are written."""
        return self._terms

    def charging(self) -> Charging:
        """Return those of bookings and charges."""
        return self._charging

    def money(self) -> Money:
        """Return those of money."""
        return self._money

    def reread(self) -> None:
        """Take what has become of the file since it was last looked at."""
        if self._path is None:
            return
        try:
            seen = _signature(self._path)
            if seen == self._seen:
                return
            self._seen = seen
            self._take(read_terms(self._path))
        except (OSError, ValueError) as error:
            log.error("The terms stay as they were: %s", error)
        else:
            log.warning("The terms of %s are in force", self._path)

    async def start(self) -> None:
        """Begin to look at the file."""
        if self._path is not None:
            self._task = asyncio.create_task(self._watch(), name="terms")

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(PERIOD)
            await asyncio.to_thread(self.reread)


def _signature(path: Path) -> _Signature:
    """Return what differs of a file that was written, or replaced by another."""
    found = path.stat()
    return found.st_mtime_ns, found.st_size, found.st_ino
