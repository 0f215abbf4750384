"""What operators may do with what their party has by OCPI, whatever CPMS operates its stations."""

from hub.cpms.api.routes.bookings import BookingRoutes
from hub.cpms.api.routes.credits import CreditRoutes
from hub.cpms.api.routes.offers import OfferRoutes
from hub.cpms.api.routes.records import RecordRoutes
from hub.cpms.api.routes.tariffs import TariffRoutes
from hub.cpms.crediting import Crediting
from hub.cpms.endpoints import CpoEndpoints


def routes_of(endpoints: CpoEndpoints) -> list[object]:
    """Return the routes of an operator's records, bookings, prices and corrections."""
    return [
        RecordRoutes(endpoints.store, endpoints.cpms.stop_session),
        BookingRoutes(endpoints.desk.book),
        TariffRoutes(endpoints.tariffs),
        OfferRoutes(endpoints.tariffs.offers),
        CreditRoutes(Crediting(endpoints.store)),
    ]
