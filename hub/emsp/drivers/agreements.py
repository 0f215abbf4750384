"""The provider's own list of CPOs it works with: everyone, unless it is said otherwise.

Source: INCAR-UC005, INCAR-UC006 (X-41, X-43).
"""

from hub.api.credentials import moment_of, stored
from hub.api.shapes import Moment, Shape
from hub.database.contract import Database, Transaction
from hub.emsp.drivers.needs import Now
from hub.ocpi.messages import Party

#: Stands for every CPO that is not named.
OTHERS = "*"


class Agreement(Shape, frozen=True, kw_only=True):
    """Whether the provider works with a CPO.

    Attributes:
        cpo: CC-PID, or ``*`` for those not named.
        note: for the operators.
    """

    cpo: str
    allowed: bool
    note: str = ""
    changed_at: Moment


class Agreements:
    """The list on its table."""

    def __init__(self, database: Database, now: Now) -> None:
        self._database = database
        self._now = now

    async def allows(self, cpo: Party | None) -> bool:
        """Return whether drivers may charge at a CPO's."""
        rows = await self._database.fetch(
            "SELECT cpo, allowed FROM emsp_agreement WHERE cpo IN ($1, $2)", str(cpo), OTHERS, cheap=True
        )
        said: dict[str, int] = {name: allowed for name, allowed in rows}
        return bool(said.get(str(cpo), said.get(OTHERS, 1)))

    async def said(self) -> dict[str, bool]:
        """Return with whom the provider works, and with whom not."""
        rows = await self._database.fetch("SELECT cpo, allowed FROM emsp_agreement", cheap=True)
        return {cpo: bool(allowed) for cpo, allowed in rows}

    async def all(self) -> list[Agreement]:
        """Return what is said, by CPO."""
        rows = await self._database.fetch("SELECT cpo, allowed, note, changed_at FROM emsp_agreement ORDER BY cpo")
        return [
            Agreement(cpo=cpo, allowed=bool(allowed), note=note, changed_at=moment_of(at))
            for cpo, allowed, note, at in rows
        ]

    async def say(self, tx: Transaction, cpo: str, *, allowed: bool, note: str = "") -> None:
        """Say whether the provider works with a CPO.

        Raises:
            ValueError: ``cpo`` is neither a CC-PID nor ``*``.
        """
        name = OTHERS if cpo == OTHERS else str(Party.parse(cpo))
        await tx.execute(
            "INSERT INTO emsp_agreement (cpo, allowed, note, changed_at) VALUES ($1, $2, $3, $4)"
            " ON CONFLICT (cpo) DO UPDATE SET allowed = excluded.allowed, note = excluded.note,"
            " changed_at = excluded.changed_at",
            name,
            int(allowed),
            note,
            stored(self._now()),
        )

    async def unsay(self, tx: Transaction, cpo: str) -> bool:
        """Take back what was said of a CPO; False: nothing was."""
        return await tx.execute("DELETE FROM emsp_agreement WHERE cpo = $1", cpo) == 1
