"""The operator's own tables."""

from tortoise import fields
from tortoise.models import Model

from hub.database.columns import Text


class CpmsObject(Model):
    """An OCPI object of the operator, or one told to it: the columns of ``hub.ocpi.shelves``.

    Attributes:
        seq: the order of creation, which is the order of pages.
        kind: location, tariff, tariff_removed (what is left of a deleted one), session, cdr, token, preferences,
            booking, booking_location, client (a ClientInfo), or sealed (what a CDR will say of place and price, from
            the session's start).
        owner: CC-PID of the party whose object it is.
        object_id: its id, folded to upper case.
        document: JSON in the newest version.
        last_updated: in microseconds since 1970, UTC.
        revision: how often it was written.
        receiver: CC-PID of the party that is to have it; "" is the hub, for everyone; null is nobody.
        received: 0 no, 1 maybe, 2 yes, 3 refused.
        told: the document the receiver is known to have.
        link: the URL the receiver gave it.
        reason: why the last attempt to tell it failed.
    """

    seq = fields.BigIntField(primary_key=True)
    kind = Text()
    owner = Text()
    object_id = Text()
    document = fields.BinaryField()
    last_updated = fields.BigIntField()
    revision = fields.BigIntField()
    receiver = Text(null=True)
    received = fields.SmallIntField()
    told = fields.BinaryField(null=True)
    link = Text(null=True)
    reason = Text(null=True)

    class Meta:
        """Found by address, paged by date, told by receiver."""

        table = "cpms_object"
        unique_together = (("kind", "owner", "object_id"),)
        indexes = (("kind", "last_updated"), ("received", "receiver"))


class CpmsReservation(Model):
    """A RESERVE_NOW the station took.

    Attributes:
        session_id: the Session made for it; also what the station knows the reservation by.
        asker: CC-PID of the eMSP; its reservation_id is unique only among its own.
        response_url: called again if the operator has to cancel.
        expires_at: in microseconds since 1970, UTC.
        state: OPEN, USED, CANCELED or EXPIRED.
    """

    session_id = Text(primary_key=True)
    asker = Text()
    reservation_id = Text()
    location_id = Text()
    response_url = Text()
    expires_at = fields.BigIntField()
    state = Text()

    class Meta:
        """One row per reservation of an asker."""

        table = "cpms_reservation"
        unique_together = (("asker", "reservation_id"),)


class CpmsProfileSetter(Model):
    """Who has set a charging profile on a session, and so hears when the active one changes."""

    id = fields.BigIntField(primary_key=True)
    session_id = Text()
    party = Text()

    class Meta:
        """Once per session and party."""

        table = "cpms_profile_setter"
        unique_together = (("session_id", "party"),)


class CpmsTransaction(Model):
    """A transaction of a station, whatever OCPP version it was told in.

    Attributes:
        id: our number for it; what a 1.6 station is given as transactionId.
        key: what makes it this one and no other, as its station tells it (``hub.cpms.transactions.natural_key``).
        station_transaction_id: what its station calls it; "" until a message told or was given it.
        session_id: of the Session it is.
        outlet: location_id, evse_uid and connector_id as JSON; null: the station has no place.
        authorization_given: who may charge, as JSON; null: nobody yet, or nobody at all.
        verdict: how its token was judged, a TokenStatus; "" while it has none.
        state: OPEN; ENDED by its station; LOST: given up by us, with what was metered until then.
        started_at: in microseconds since 1970, UTC; so are ``ended_at`` and ``ends_by``.
        ends_by: when its time is up; null: it has none.
        energy: what it used, in mWh, once it is over.
        reason: why it ended.
        unbilled: 1 for a test.
        settled: 1 once the Session has been told its end.
    """

    id = fields.BigIntField(primary_key=True)
    station_id = Text()
    key = Text()
    station_transaction_id = Text()
    evse_id = fields.IntField()
    connector_id = fields.IntField()
    session_id = Text()
    outlet = fields.BinaryField(null=True)
    authorization_given = fields.BinaryField(null=True)
    verdict = Text()
    state = Text()
    started_at = fields.BigIntField()
    ended_at = fields.BigIntField(null=True)
    ends_by = fields.BigIntField(null=True)
    energy = fields.BigIntField(null=True)
    reason = Text(null=True)
    unbilled = fields.SmallIntField()
    settled = fields.SmallIntField()

    class Meta:
        """One row per transaction, however often and in whatever order it is told."""

        table = "cpms_transaction"
        unique_together = (("station_id", "key"),)
        indexes = (("settled",), ("session_id",))


class CpmsTransactionMessage(Model):
    """What one message told of a transaction; the first telling counts.

    Attributes:
        key: what makes it this message: 2.0.1's seqNo, or 1.6's kind and timestamp.
        kind: Started, Updated or Ended.
        seq_no: 2.0.1's.
        at: by the station's clock, never later than it was received; in microseconds since 1970, UTC.
        received_at: by ours.
        register: the energy register at ``at``, in mWh.
        power: in W; ``current``: in mA; ``soc``: in percent.
        charging_state: 2.0.1's ChargingState.
        detail: what only starts and ends tell, as JSON.
    """

    id = fields.BigIntField(primary_key=True)
    transaction_id = fields.BigIntField()
    key = Text()
    kind = Text()
    seq_no = fields.IntField(null=True)
    at = fields.BigIntField()
    received_at = fields.BigIntField()
    register = fields.BigIntField(null=True)
    power = fields.IntField(null=True)
    current = fields.IntField(null=True)
    soc = fields.IntField(null=True)
    charging_state = Text(null=True)
    detail = fields.BinaryField(null=True)

    class Meta:
        """Each message once."""

        table = "cpms_transaction_message"
        unique_together = (("transaction_id", "key"),)


class CpmsRemoteStart(Model):
    """An order to start that a station was given.

    Attributes:
        id: 2.0.1's remoteStartId.
        id_token: what the station was told to charge for; 1.6 answers with nothing else.
        document: outlet and authorization, as JSON.
        until: how long the car is awaited, in microseconds since 1970, UTC.
        state: OPEN, USED by a transaction, or RELEASED.
    """

    id = fields.BigIntField(primary_key=True)
    station_id = Text()
    evse_id = fields.IntField()
    id_token = Text()
    session_id = Text()
    document = fields.BinaryField()
    asked_at = fields.BigIntField()
    until = fields.BigIntField()
    state = Text()

    class Meta:
        """Found by station."""

        table = "cpms_remote_start"
        indexes = (("station_id", "state"), ("state",))


class CpmsStationReservation(Model):
    """A reservation as its station knows it: by a number.

    Attributes:
        id: OCPP's reservationId.
        reservation_id: ours, the id of its Session.
        document: outlet and authorization, as JSON.
        expires_at: in microseconds since 1970, UTC.
        state: OPEN, OVER, or WITHDRAWN: nobody wants it, and its station has still to be told so.
    """

    id = fields.BigIntField(primary_key=True)
    reservation_id = Text()
    station_id = Text()
    evse_id = fields.IntField()
    id_token = Text()
    document = fields.BinaryField()
    expires_at = fields.BigIntField()
    state = Text()

    class Meta:
        """Found by station."""

        table = "cpms_station_reservation"
        unique_together = (("reservation_id",),)
        indexes = (("station_id", "state"),)


class CpmsCase(Model):
    """Usage data somebody has to look at, for it was not billed as it is, or not at all.

    Attributes:
        kind: one of ``hub.cpms.cases.Kind``.
        transaction_id: our number; 0 if there is none.
        detail: what is known, as JSON.
        opened_at: in microseconds since 1970, UTC; ``closed_at`` too.
        note: what whoever closed it wrote.
    """

    id = fields.BigIntField(primary_key=True)
    kind = Text()
    station_id = Text()
    transaction_id = fields.BigIntField()
    session_id = Text()
    detail = fields.BinaryField()
    opened_at = fields.BigIntField()
    closed_at = fields.BigIntField(null=True)
    note = Text(null=True)

    class Meta:
        """Once per kind and transaction."""

        table = "cpms_case"
        unique_together = (("kind", "station_id", "transaction_id"),)
        indexes = (("closed_at",),)


class CpmsBooking(Model):
    """A booking as the book has it; ``hub.cpms.bookings.store`` tells what the columns mean.

    Attributes:
        starts_at, ends_at: in microseconds since 1970, UTC.
    """

    id = Text(primary_key=True)
    asker = Text()
    request_id = Text()
    location_id = Text()
    evse_uid = Text()
    starts_at = fields.BigIntField()
    ends_at = fields.BigIntField()
    state = Text()
    session_id = Text(null=True)
    session_ended = fields.SmallIntField()

    class Meta:
        """An eMSP's request_id means one booking; the clock looks for what is due."""

        table = "cpms_booking"
        unique_together = (("asker", "request_id"),)
        indexes = (("state", "starts_at"), ("location_id", "evse_uid", "starts_at"), ("session_id",))


class CpmsBookedSlot(Model):
    """Half an hour at one EVSE that is somebody's.

    Attributes:
        slot: when it begins, in minutes since 1970, UTC.
        holder: the id of the booking, or the Session of a RESERVE_NOW.
        taken_at: in microseconds since 1970, UTC.
    """

    id = fields.BigIntField(primary_key=True)
    location_id = Text()
    evse_uid = Text()
    slot = fields.BigIntField()
    holder = Text()
    taken_at = fields.BigIntField()

    class Meta:
        """A slot has one holder: that no two bookings overlap is this constraint."""

        table = "cpms_booked_slot"
        unique_together = (("location_id", "evse_uid", "slot"),)
        indexes = (("holder",),)


class CpmsSitePower(Model):
    """What a site may draw.

    Attributes:
        location_id: folded to upper case.
        document: JSON of ``hub.cpms.charging.sites.SitePower``.
        last_updated: in microseconds since 1970, UTC.
    """

    location_id = Text(primary_key=True)
    document = fields.BinaryField()
    last_updated = fields.BigIntField()

    class Meta:
        """A site without a row is not limited."""

        table = "cpms_site_power"


class CpmsShare(Model):
    """What an EVSE of a limited site goes by; ``hub.cpms.charging.shares`` tells what the columns mean.

    Attributes:
        default_share, share: in mA per phase.
    """

    id = fields.BigIntField(primary_key=True)
    station_id = Text()
    evse_id = fields.IntField()
    default_share = fields.BigIntField(null=True)
    share = fields.BigIntField(null=True)
    transaction_id = Text(null=True)
    phases = fields.SmallIntField()

    class Meta:
        """One row per EVSE."""

        table = "cpms_share"
        unique_together = (("station_id", "evse_id"),)


class CpmsSetProfile(Model):
    """The ChargingProfile an eMSP has set on a transaction.

    Attributes:
        transaction_id: as the station calls it.
        set_at: in microseconds since 1970, UTC.
    """

    id = fields.BigIntField(primary_key=True)
    station_id = Text()
    transaction_id = Text()
    document = fields.BinaryField()
    set_at = fields.BigIntField()

    class Meta:
        """The newest of a transaction counts."""

        table = "cpms_set_profile"
        unique_together = (("station_id", "transaction_id"),)
