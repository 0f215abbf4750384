"""What is let pass of makes of stations that get OCPP wrong; each station that needs it is marked in the register."""

from typing import Annotated, Literal

import msgspec

from hub.api.declaring import Call, route
from hub.api.shapes import Shape
from hub.cpms.api.scopes import Scope
from hub.ocpp.leniency import Leniencies

Leniency = Literal[
    "numbers-as-texts", "texts-as-numbers", "nulls", "times-without-zone", "case-of-enums", "unknown-fields"
]
_Told = Annotated[str, msgspec.Meta(min_length=1, max_length=50)]


class Granted(Shape, frozen=True, kw_only=True):
    """What a make is granted.

    Attributes:
        vendor: as its stations tell at boot; ``model`` likewise, empty: all models of the vendor.
        leniencies: exactly these; none: it is strict again.
    """

    vendor: _Told
    model: Annotated[str, msgspec.Meta(max_length=50)] = ""
    leniencies: Annotated[list[Leniency], msgspec.Meta(max_length=20)] = msgspec.field(default_factory=list)


class Grants(Shape, frozen=True, kw_only=True):
    """All that is granted, by vendor and model."""

    items: list[Granted]


class LeniencyRoutes:
    """The grants."""

    tag = "register"

    def __init__(self, leniencies: Leniencies) -> None:
        self._leniencies = leniencies

    @route("GET", "/leniencies", scope=Scope.STATIONS_READ)
    async def list_leniencies(self, call: Call) -> Grants:
        """List what is let pass of which makes."""
        return Grants(items=await self._all())

    @route("PUT", "/leniencies", scope=Scope.STATIONS_WRITE)
    async def grant_leniencies(self, call: Call, body: Granted) -> Granted:
        """Let pass what a make of station gets wrong, or be strict again; it holds from the next message on."""
        make = (body.vendor, body.model)
        before = next((each for each in await self._all() if (each.vendor, each.model) == make), None)
        await self._leniencies.grant(
            *make, frozenset(body.leniencies), also=lambda tx, _: call.trail.record(tx, before=before, after=body)
        )
        return body

    async def _all(self) -> list[Granted]:
        return [
            msgspec.convert({"vendor": vendor, "model": model, "leniencies": sorted(names)}, Granted)
            for vendor, model, names in await self._leniencies.all()
        ]
