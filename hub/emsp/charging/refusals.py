"""Why something a driver wants is not done: a code, the field it is about, and what he can do.

The texts are for drivers; an API shows them as problem details with the field, an SMS sends them as they are.
"""

from collections.abc import Mapping
from typing import ClassVar

#: By code: what the driver is told. What stands in braces is filled in.
TEXTS: Mapping[str, str] = {
    "UNKNOWN_PLACE": "There is no such charge point. Check the code on the socket.",
    "UNKNOWN_BOOKING": "You have no such booking.",
    "UNKNOWN_REQUEST": "You have no such request.",
    "UNKNOWN_DRIVER": "Your account cannot be used for charging. Contact us.",
    "NO_TOKEN": "You have no valid contract to charge with. Add a card or contact us.",
    "NOT_YOUR_VEHICLE": "This vehicle is not one of yours. Choose one of your vehicles.",
    "OFF_GRID": "A booking begins and ends at :00 or :30. Choose times on the half hour.",
    "TOO_LONG": "A booking has one to {most} half hours in a row. Choose a shorter time.",
    "IN_THE_PAST": "This time has begun already. Choose a later one.",
    "BEYOND_HORIZON": "You can book up to {days} day(s) ahead. Choose an earlier time.",
    "NO_AGREEMENT": "Your contract does not cover this operator. Choose another charge point.",
    "NOT_RESERVABLE": "The operator takes no bookings for this charge point. You can charge when it is free.",
    "SLOT_TAKEN": "Somebody else was faster. Look at the free times again and choose another.",
    "BOOKED_ALREADY": "You have booked this charge point at that time already. Look at your bookings.",
    "DRIVER_ENGAGED": "You have another booking at that time. Cancel it first or choose another time.",
    "VEHICLE_ENGAGED": "This vehicle has another booking at that time. Cancel it first or choose another time.",
    "REFUSED_BY_CPO": "The operator did not accept this. Nothing was booked. Choose another time or charge point.",
    "CPO_ERROR": "The operator's system could not process this. Nothing was changed. Try again later.",
    "CPO_UNREACHABLE": "There is no connection to the operator at the moment. Nothing was changed. Try again later.",
    "ALREADY_CANCELED": "This booking was already cancelled automatically: nobody came within 15 minutes.",
    "BOOKING_OVER": "This booking is over.",
    "NOT_CHANGEABLE": "This booking cannot be changed any more. Cancel it, or make another one.",
    "CHANGE_REFUSED": "The operator did not accept the change. Your booking stands as it was.",
    "CHARGE_STARTED": "The charge has started, so the booking cannot be cancelled any more. Stop the charge instead.",
    "TOO_EARLY": "Your time has not begun. Wait until {starts_at}.",
    "TOO_LATE": "Your time began more than 15 minutes ago, so the booking was cancelled automatically. Book again.",
    "NEIGHBOUR_THERE": "The driver before you has until {until} to leave. Try again then.",
    "NOT_FREE": "This charge point is not free ({status}). Choose another one.",
    "EVSE_RESERVED": "This charge point is reserved for somebody else. Choose another one.",
    "EVSE_INOPERATIVE": "This charge point is out of order. Choose another one.",
    "OVERLAPS_BOOKING": "Somebody has booked this charge point from {until}. Choose an earlier end.",
    "PAYMENT_REFUSED": "{reason}",
    "PAYMENT_OPEN": "{reason}",
    "WRONG_CURRENCY": "This charge point is paid in {currency}. Give your limit in {currency}.",
    "ALREADY_CHARGING": "You are charging here already.",
    "UNKNOWN_SESSION": "You have no charge running here.",
    "STOPPING_ALREADY": "This charge is being stopped already.",
    "NOT_SUPPORTED": "The operator of this charge point cannot do this remotely. Use your card at the charge point.",
    "START_REJECTED": "The operator did not start the charge. Check the charge point, or choose another one.",
    "STOP_REJECTED": "The operator did not stop the charge. Use the charge point's own button, or unplug the car.",
    "NOT_YET": "The charge has not begun. Try again when it has; a start that no car uses ends by itself.",
    "NOT_CONNECTED": "Not yet: no car is connected. Unplug or wait; a start that no car uses ends by itself.",
    "BAD_RULE": "{reason}",
    "NO_PROFILES": "The operator of this charge point does not let its power be limited. Nothing was changed.",
    "PROFILE_REFUSED": "The operator did not accept this limit of power. Nothing was changed.",
    "PROFILES_TOO_OFTEN": "The power was changed too often just now. Nothing was changed. Try again later.",
}

#: Codes that say that something does not exist.
MISSING = frozenset({"UNKNOWN_PLACE", "UNKNOWN_BOOKING", "UNKNOWN_REQUEST", "UNKNOWN_SESSION"})
#: Codes of what cannot be done now but may be later.
UNAVAILABLE = frozenset({"CPO_ERROR", "CPO_UNREACHABLE"})
#: Codes of wrong input.
INVALID = frozenset(
    {
        "OFF_GRID",
        "TOO_LONG",
        "IN_THE_PAST",
        "BEYOND_HORIZON",
        "NOT_YOUR_VEHICLE",
        "OVERLAPS_BOOKING",
        "BAD_RULE",
        "WRONG_CURRENCY",
    }
)


class Refused(Exception):
    """Something is not done.

    Args:
        code: one of ``TEXTS``.
        field: JSON path of what the driver gave that is to blame, if it is one thing.
        values: what the text's braces are, and what else is to be shown.
    """

    acted: ClassVar[bool] = False

    def __init__(self, code: str, field: str | None = None, **values: object) -> None:
        super().__init__(TEXTS[code].format(**values))
        self.code = code
        self.field = field
        self.values = values
