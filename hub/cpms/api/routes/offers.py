"""Special offers: cheaper for some time at some stations (RASD-R23, RASD-R31, RASD-F22)."""

from decimal import Decimal
from typing import Annotated

import msgspec

from hub.api.declaring import Call, route
from hub.api.problems import Conflict, NotFound, invalid
from hub.api.shapes import ListQuery, Moment, Name, Page, Shape, within
from hub.cpms.api.ordering import in_utc
from hub.cpms.api.routes.targets import PricePlace, paged, place, targets
from hub.cpms.api.scopes import Scope
from hub.cpms.tariffs.offers import Offer, Offers
from hub.ocpi.errors import InvalidParameters
from hub.ocpi.receiving import NoSuchObject


class NewOffer(Shape, frozen=True, kw_only=True):
    """An offer to be made.

    Attributes:
        percent: off every price; or ``per_kwh``: off every kWh, in the currency of each Tariff, down to nothing.
    """

    name: Name
    begins: Moment
    ends: Moment
    targets: Annotated[list[PricePlace], msgspec.Meta(min_length=1, max_length=1000)]
    percent: Annotated[Decimal, within(0, 100)] | None = None
    per_kwh: Annotated[Decimal, within(0, 1e6)] | None = None


class OfferView(NewOffer, frozen=True, kw_only=True):
    """An offer; its state is PLANNED, RUNNING, ENDED or CANCELED."""

    id: str
    state: str


class OfferRoutes:
    """The operator's special offers."""

    tag = "offers"

    def __init__(self, offers: Offers) -> None:
        self._offers = offers

    @route("GET", "/offers", scope=Scope.TARIFFS_READ)
    async def list_offers(self, call: Call, query: ListQuery) -> Page[OfferView]:
        """List offers, those that begin last first."""
        return paged([_view(each) for each in await self._offers.all()], query)

    @route("POST", "/offers", scope=Scope.TARIFFS_WRITE, status=201, step_up=True)
    async def create_offer(self, call: Call, body: NewOffer) -> OfferView:
        """Make an offer: its Tariffs are told at once, count while it lasts, and are deleted afterwards."""
        offer = Offer(
            name=body.name, begins=in_utc(body.begins), ends=in_utc(body.ends), targets=tuple(targets(body.targets)),
            percent=body.percent, per_kwh=body.per_kwh,
        )  # fmt: skip
        try:
            made = await self._offers.create(
                offer,
                made_by=call.principal.name,
                also=lambda tx, made: call.trail.record(
                    tx, status=201, target=made.id, after=msgspec.to_builtins(_view(made), builtin_types=(Decimal,))
                ),
            )
        except InvalidParameters as error:
            path, _, rule = str(error).partition(": ")
            raise invalid("body" + path.removeprefix("$"), rule) from error
        return _view(made)

    @route("GET", "/offers/{offer_id}", scope=Scope.TARIFFS_READ)
    async def get_offer(self, call: Call, offer_id: str) -> OfferView:
        """Show an offer."""
        try:
            return _view(await self._offers.get(offer_id))
        except NoSuchObject as error:
            raise NotFound("There is no such offer") from error

    @route("POST", "/offers/{offer_id}/cancel", scope=Scope.TARIFFS_WRITE, step_up=True, problems=(Conflict,))
    async def cancel_offer(self, call: Call, offer_id: str) -> OfferView:
        """End an offer at once, or never begin it."""
        before = await self.get_offer(call, offer_id)
        try:
            after = await self._offers.cancel(
                offer_id,
                also=lambda tx, _: call.trail.record(tx, before={"state": before.state}, after={"state": "CANCELED"}),
            )
        except InvalidParameters as error:
            raise Conflict(str(error).removeprefix("$: ")) from error
        return _view(after)


def _view(offer: Offer) -> OfferView:
    return OfferView(
        id=offer.id,
        name=offer.name,
        begins=offer.begins,
        ends=offer.ends,
        targets=[place(each) for each in offer.targets],
        percent=offer.percent,
        per_kwh=offer.per_kwh,
        state=offer.state,
    )
