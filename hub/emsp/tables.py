"""The service provider's own tables."""

from tortoise import fields
from tortoise.models import Model

from hub.database.columns import Text


class EmspObject(Model):
    """A Token of the provider, or an object a CPO told it: the columns of ``hub.ocpi.shelves``.

    Attributes:
        seq: the order of creation, which is the order of pages.
        kind: token, location, tariff, session, cdr, booking, booking_location, profile (an ActiveChargingProfile) or
            client (a ClientInfo).
        owner: CC-PID of the party whose object it is.
        object_id: its id, folded to upper case.
        document: JSON in the newest version.
        last_updated: in microseconds since 1970, UTC.
        revision: how often it was written.
        receiver: "" for what everyone is to have; null for what is only kept.
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

        table = "emsp_object"
        unique_together = (("kind", "owner", "object_id"),)
        indexes = (("kind", "last_updated"), ("received", "receiver"))


class EmspOrder(Model):
    """A command or charging profile the provider asked a CPO for, and what came of it.

    Attributes:
        uid: the last segment of its response_url.
        command: START_SESSION, ..., or SET, GET, CLEAR of a charging profile.
        receiver: CC-PID of the CPO asked.
        response: result of the immediate answer; null while there is none.
        result: the station's result; null while there is none.
        document: the whole last result, JSON.
        created: in microseconds since 1970, UTC.
        updated: in microseconds since 1970, UTC.
    """

    uid = Text(primary_key=True)
    command = Text()
    receiver = Text()
    response = Text(null=True)
    result = Text(null=True)
    document = fields.BinaryField(null=True)
    created = fields.BigIntField()
    updated = fields.BigIntField()

    class Meta:
        """One row per order."""

        table = "emsp_order"
