"""Chapter four: a driver books a place ahead, by OCPI 2.3.0 Bookings, and gives it up again."""

from examples.stage import CPMS, JSON, Stage, check, held, until

EVSE = "DC0002-1"


def book(stage: Stage) -> None:
    """The next free half hour is reserved, is offered no more, and is free again when the booking is cancelled."""
    offered = until(lambda: _offered(stage), f"{EVSE} is offered")
    days = len(offered["calendars"])
    held(f"{EVSE} is offered to eMSPs: Calendars of {days} days, in slots of 30 minutes")
    booking = stage.ask_sample("/book", {"to": CPMS, "evse_uid": EVSE})
    start = booking["period"]["start_date_time"]
    check(booking["reservation_status"] == "RESERVED", f"a request for {start}: {booking['reservation_status']}")
    until(lambda: _told(stage, booking["id"], "RESERVED"), "the Booking arrives at the Receiver interface")
    until(lambda: not _free(stage, start), "the Calendar is told")
    held("the Booking stands at the sample eMSP, and its slot is offered no more")
    second = stage.ask_sample("/book", {"to": CPMS, "evse_uid": EVSE, "start_date_time": start})
    check(second["reservation_status"] == "REJECTED", "the same half hour for another driver: REJECTED")
    canceled = stage.ask_sample("/unbook", {"to": CPMS, "booking_id": booking["id"]})
    check(canceled["reservation_status"] == "CANCELED", "the driver does not come: CANCELED")
    until(lambda: _told(stage, booking["id"], "CANCELED"), "the Booking is told as cancelled")
    until(lambda: _free(stage, start), "the Calendar is told")
    held("its slot is free again")


def _offered(stage: Stage) -> JSON:
    found = stage.sample_emsp()["booking_locations"]
    return next((each for each in found if each["booking_option"]["evse_uid"] == EVSE), None)


def _free(stage: Stage, start: str) -> bool:
    slots = [slot for day in _offered(stage)["calendars"] for slot in day["available_timeslots"]]
    return any(slot["start_date_time"] <= start < slot["end_date_time"] for slot in slots)


def _told(stage: Stage, booking_id: str, status: str) -> bool:
    bookings = stage.sample_emsp()["bookings"]
    return any(each["id"] == booking_id and each["reservation_status"] == status for each in bookings)


STEPS = [("A place is booked ahead, by OCPI Bookings", book)]
