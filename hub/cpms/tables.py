"""The operator's own tables."""

from tortoise import fields
from tortoise.models import Model

from hub.database.columns import Text


class CpmsObject(Model):
    """An OCPI object of the operator, or one told to it: the columns of ``hub.ocpi.shelves``.

    Attributes:
        seq: the order of creation, which is the order of pages.
        kind: location, tariff, session, cdr, token, client (a ClientInfo), or sealed (what a CDR will say of place
            and price, from the session's start).
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
