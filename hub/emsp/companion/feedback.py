"""How content drivers are: one to five stars and a text, for each of their charges (INCAR-AP03)."""

import datetime
from dataclasses import dataclass
from decimal import Decimal

from hub.database.contract import Database, Transaction
from hub.emsp.companion.needs import Charges, Clock
from hub.ocpi.times import stamp, stamped

_LATEST = datetime.timedelta(days=90)
_FAST = datetime.timedelta(days=1)  # by which a CPO's clock may be ahead of ours
LONGEST = 2000  # characters


class NotYourCharge(Exception):
    """Feedback is given on a charge of one's own that has ended in the last 90 days."""


class BadFeedback(Exception):
    """Feedback is one to five stars, and a text of at most 2,000 characters."""


@dataclass(frozen=True, kw_only=True)
class Rating:
    """What drivers say of a Location.

    Attributes:
        stars: on average; None: nobody said anything.
    """

    count: int
    stars: Decimal | None


@dataclass(frozen=True, kw_only=True)
class Said:
    """What one driver says of one charge; the columns are explained at ``EmspFeedback``."""

    id: int
    driver_id: str
    charge: str
    owner: str
    location_id: str
    stars: int
    text: str
    at: datetime.datetime


class Feedback:
    """What all drivers say."""

    def __init__(self, database: Database, *, clock: Clock, charges: Charges) -> None:
        self._database = database
        self._clock = clock
        self._charges = charges

    async def give(self, driver_id: str, charge: str, stars: int, text: str = "") -> None:
        """Keep what a driver says of a charge; said again, it takes the place of the first.

        Raises:
            BadFeedback: there are no such stars, or the text is too long.
            NotYourCharge: it is not his, or too old.
        """
        if not 1 <= stars <= 5 or len(text) > LONGEST:
            raise BadFeedback(BadFeedback.__doc__)
        now = self._clock.now()
        own = await self._charges.of_driver(driver_id, now - _LATEST, now + _FAST)
        found = next((each for each in own if each.reference == charge), None)
        if found is None:
            raise NotYourCharge(NotYourCharge.__doc__)

        async def work(tx: Transaction) -> None:
            await tx.execute(
                "INSERT INTO emsp_feedback (driver_id, charge, owner, location_id, stars, text, at)"
                " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (driver_id, charge) DO UPDATE SET"
                " stars = excluded.stars, text = excluded.text, at = excluded.at",
                driver_id, charge, found.owner, found.location_id, stars, text, stamp(now),
            )  # fmt: skip

        await self._database.transact(work)

    async def all(self, *, before: int | None = None, limit: int = 100) -> list[Said]:
        """Return what drivers say, the newest first.

        Args:
            before: id of the last one seen, to go on from.
        """
        rows = await self._database.fetch(
            "SELECT id, driver_id, charge, owner, location_id, stars, text, at FROM emsp_feedback WHERE id < $1"
            " ORDER BY id DESC LIMIT $2",
            before if before is not None else 2**62, limit,
        )  # fmt: skip
        names = ("id", "driver_id", "charge", "owner", "location_id", "stars", "text")
        return [Said(**dict(zip(names, row[:-1], strict=True)), at=stamped(row[-1])) for row in rows]

    async def rating(self, owner: str, location_id: str) -> Rating:
        """Return what drivers say of a Location."""
        ((count, total),) = await self._database.fetch(
            "SELECT COUNT(*), COALESCE(SUM(stars), 0) FROM emsp_feedback WHERE owner = $1 AND location_id = $2",
            owner, location_id.upper(),
        )  # fmt: skip
        return Rating(count=count, stars=(Decimal(total) / count).quantize(Decimal("0.1")) if count else None)
