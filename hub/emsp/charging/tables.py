"""The tables of booking and charging; every moment is in microseconds since 1970, UTC."""

from tortoise import fields
from tortoise.models import Model

from hub.database.columns import Text


class EmspBooking(Model):
    """A time at an EVSE that a driver wants or has.

    Attributes:
        id: also the request_id of its BookingRequest, or the reservation_id of its RESERVE_NOW.
        vehicle_id: null where the driver named none.
        way: BOOKINGS (the CPO's module), RESERVE_NOW (kept from its start on), ON_THE_FLY (only here).
        owner: CC-PID of the CPO; location_id and evse_uid folded; evse_uid is "" while none is assigned.
        zone: of the Location.
        state: ``hub.emsp.charging.bookings.State``.
        reason: why it ended as it did, a code of ``refusals`` or ``notices``.
        number: the CPO's id of the Booking.
        offer: id of the BookingLocation.
        token: the Token it was made with, JSON.
        reference: its authorization_reference.
        request_id: the standing request it came of.
        due_at: when something has to be done about it next; null: nothing.
        undo: 1 while the CPO has yet to hear that it is not wanted any more.
    """

    id = Text(primary_key=True)
    driver_id = Text()
    vehicle_id = Text(null=True)
    way = Text()
    owner = Text()
    location_id = Text()
    evse_uid = Text()
    connector_id = Text(null=True)
    zone = Text()
    starts_at = fields.BigIntField()
    ends_at = fields.BigIntField()
    state = Text()
    reason = Text(null=True)
    number = Text(null=True)
    offer = Text(null=True)
    token = fields.BinaryField()
    reference = Text()
    request_id = Text(null=True)
    due_at = fields.BigIntField(null=True)
    undo = fields.SmallIntField()
    created_at = fields.BigIntField()
    changed_at = fields.BigIntField()

    class Meta:
        """Listed by driver, found by what is due and by reference."""

        table = "emsp_booking"
        indexes = (("driver_id", "starts_at"), ("due_at",), ("reference",))


class EmspBookedSlot(Model):
    """Half an hour at an EVSE that is a booking's: two drivers of ours never have the same."""

    id = fields.BigIntField(primary_key=True)
    owner = Text()
    location_id = Text()
    evse_uid = Text()
    slot = fields.BigIntField()
    booking_id = Text()

    class Meta:
        """Who inserts it has it."""

        table = "emsp_booked_slot"
        unique_together = (("owner", "location_id", "evse_uid", "slot"),)
        indexes = (("booking_id",),)


class EmspEngagedSlot(Model):
    """Half an hour in which a driver or a vehicle is somewhere: nobody is at two stations at once.

    Attributes:
        who: ``driver`` or ``vehicle`` with its id.
    """

    id = fields.BigIntField(primary_key=True)
    who = Text()
    slot = fields.BigIntField()
    booking_id = Text()

    class Meta:
        """Who inserts it has it."""

        table = "emsp_engaged_slot"
        unique_together = (("who", "slot"),)
        indexes = (("booking_id",),)


class EmspBookingOffer(Model):
    """Where to look for a BookingLocation: by the EVSE it is of.

    Attributes:
        number: the CPO's id of it, folded; the object is on the provider's shelf.
        evse_uid: "" where it is for whatever fits at its Location.
    """

    id = fields.BigIntField(primary_key=True)
    owner = Text()
    number = Text()
    location_id = Text()
    evse_uid = Text()

    class Meta:
        """Found by place."""

        table = "emsp_booking_offer"
        unique_together = (("owner", "number"),)
        indexes = (("owner", "location_id", "evse_uid"),)


class EmspStandingRequest(Model):
    """What a driver wants booked later: every week, or as soon as something is free.

    Attributes:
        kind: RECURRING or WHEN_AVAILABLE.
        wish: of ``standing.Weekly`` or ``standing.Whenever``, JSON.
        state: WAITING, DONE, EXPIRED or CANCELED.
        ends_at: after which nothing is booked any more.
        due_at: when to look next; null: never again.
        booking_id: the last booking made.
    """

    id = Text(primary_key=True)
    driver_id = Text()
    vehicle_id = Text(null=True)
    kind = Text()
    owner = Text()
    location_id = Text()
    evse_uid = Text()
    wish = fields.BinaryField()
    state = Text()
    ends_at = fields.BigIntField()
    due_at = fields.BigIntField(null=True)
    booking_id = Text(null=True)
    created_at = fields.BigIntField()

    class Meta:
        """Listed by driver, found by place and by what is due."""

        table = "emsp_standing_request"
        indexes = (("driver_id",), ("due_at",), ("owner", "location_id"))


class EmspDriverCharge(Model):
    """One charge, from the order to the bill.

    Attributes:
        id: also the uid of its START_SESSION, unless it began at the charger.
        origin: APP, SMS or CARD.
        phone: who is told by SMS; null: nobody.
        place: while it lives: driver and EVSE, so that he charges there once; else null.
        token: JSON.
        state: ``hub.emsp.charging.charges.State``; outcome: the last result or reason, as a code.
        reference: authorization_reference.
        session_id, cdr_id: of the CPO, folded.
        stop_order: uid of its STOP_SESSION; stop_due: when to send it, null: it was sent or is not wanted.
        stop_reason: who or what ended it.
        ends_by: when its time at the EVSE is over.
        energy, energy_limit: in Wh; power: in W; soc: in percent.
        power_limit: in W, of its driver's, as the station has taken it; null: there is none.
        cost, cost_limit: in minor units of ``currency``, all taxes included.
        estimate: the cost with what time has added since ``news_at``; null: that is nothing, or not known.
        estimate_due: when to estimate it again; null: not before the next update.
        time_limit: when the driver wants it to end.
        held: 1 while money is set aside that has to be let go if nothing is charged.
        due_at: by when the next thing should have come; null: nothing is awaited.
        news_at: when the CPO last told anything.
    """

    id = Text(primary_key=True)
    driver_id = Text()
    booking_id = Text(null=True)
    origin = Text()
    phone = Text(null=True)
    place = Text(null=True)
    owner = Text()
    location_id = Text()
    evse_uid = Text()
    connector_id = Text(null=True)
    token = fields.BinaryField()
    reference = Text(null=True)
    state = Text()
    outcome = Text(null=True)
    session_id = Text(null=True)
    cdr_id = Text(null=True)
    stop_order = Text(null=True)
    stop_due = fields.BigIntField(null=True)
    stop_reason = Text(null=True)
    ends_by = fields.BigIntField(null=True)
    energy = fields.BigIntField()
    energy_limit = fields.BigIntField(null=True)
    power = fields.BigIntField(null=True)
    power_limit = fields.BigIntField(null=True)
    soc = fields.SmallIntField(null=True)
    cost = fields.BigIntField(null=True)
    cost_limit = fields.BigIntField(null=True)
    estimate = fields.BigIntField(null=True)
    estimate_due = fields.BigIntField(null=True)
    currency = Text(null=True)
    time_limit = fields.BigIntField(null=True)
    held = fields.SmallIntField()
    asked_at = fields.BigIntField()
    started_at = fields.BigIntField(null=True)
    ended_at = fields.BigIntField(null=True)
    due_at = fields.BigIntField(null=True)
    news_at = fields.BigIntField()

    class Meta:
        """Found by Session, reference, stop order, driver and what is due."""

        table = "emsp_driver_charge"
        unique_together = (("owner", "session_id"), ("place",))
        indexes = (
            ("driver_id", "asked_at"), ("reference",), ("stop_order", "state"), ("due_at",), ("stop_due",),
            ("estimate_due",), ("held", "state"),
        )  # fmt: skip


class EmspChargeProfile(Model):
    """What a CPO was asked about the power of a charge; its answers are the order's.

    Attributes:
        uid: of the order.
        kind: SET, GET or CLEAR.
        profile: the ChargingProfile that was set, JSON.
        power: in W, where it is a driver's limit; null: the staff asked, or nothing is set.
    """

    id = fields.BigIntField(primary_key=True)
    uid = Text()
    charge_id = Text()
    kind = Text()
    profile = fields.BinaryField(null=True)
    power = fields.BigIntField(null=True)
    asked_at = fields.BigIntField()

    class Meta:
        """Listed by charge, found by the order's result."""

        table = "emsp_charge_profile"
        unique_together = (("uid",),)
        indexes = (("charge_id", "id"),)


class EmspChargeCase(Model):
    """Something that did not come, or came from nowhere: for the operator's people.

    Attributes:
        kind: ``hub.emsp.charging.cases.Kind``.
        subject: id of the charge, Session or CDR it is about.
        detail: what is known, JSON.
        note: who closed it and why; null while it is open.
    """

    id = fields.BigIntField(primary_key=True)
    kind = Text()
    subject = Text()
    owner = Text()
    detail = fields.BinaryField()
    opened_at = fields.BigIntField()
    closed_at = fields.BigIntField(null=True)
    note = Text(null=True)

    class Meta:
        """Raised once."""

        table = "emsp_charge_case"
        unique_together = (("kind", "subject"),)


class EmspChargeNotice(Model):
    """What a driver is to be told, until his notifier has it.

    Attributes:
        key: the same one twice is one.
        event: a code of ``notices``.
        phone: also tell by SMS; null: no.
        told: 1 once it was handed over.
    """

    id = fields.BigIntField(primary_key=True)
    key = Text()
    driver_id = Text()
    event = Text()
    text = Text()
    data = fields.BinaryField()
    phone = Text(null=True)
    told = fields.SmallIntField()
    at = fields.BigIntField()

    class Meta:
        """Handed over in the order they came."""

        table = "emsp_charge_notice"
        unique_together = (("key",),)
        indexes = (("told", "id"), ("driver_id", "id"))


class EmspSms(Model):
    """A short message that came, and what was answered: the same one twice is answered once.

    Attributes:
        id: the gateway's id of it.
        reply: null while it is being done.
    """

    id = Text(primary_key=True)
    phone = Text()
    text = Text()
    reply = Text(null=True)
    sent = fields.SmallIntField()
    at = fields.BigIntField()

    class Meta:
        """One row per message."""

        table = "emsp_sms"
        indexes = (("sent",),)
