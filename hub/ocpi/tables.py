"""The outbox's tables: what is pushed, once, and its way to each party."""

from tortoise import fields
from tortoise.models import Model

from hub.database.columns import Text


class PushRow(Model):
    """One pushed request, whoever gets it; ``hub.ocpi.deliveries`` tells what the columns mean.

    Attributes:
        id: ascending; a delivery's id begins with it.
        body: as received, in ``version``; empty where the request has none.
        created: in microseconds since 1970, UTC.
    """

    id = fields.BigIntField(primary_key=True)
    operation = Text()
    params = Text()
    query = Text()
    body = fields.BinaryField()
    version = Text()
    sender = Text()
    owner = Text()
    correlation_id = Text()
    object_key = Text()
    created = fields.BigIntField()

    class Meta:
        """Found by id, from its deliveries, and by age, when it is forgotten."""

        table = "ocpi_push"
        indexes = (("created",),)


class DeliveryRow(Model):
    """One push's way to one party.

    Attributes:
        id: the push's id times 100,000, plus the destination's number.
        state: pending, failed or done.
        again: 1 if an operator asked for it: the present object is sent.
        created, updated: in microseconds since 1970, UTC.
    """

    id = fields.BigIntField(primary_key=True)
    push_id = fields.BigIntField()
    connection_id = Text()
    party = Text()
    state = Text()
    attempts = fields.IntField()
    reason = Text()
    again = fields.SmallIntField()
    created = fields.BigIntField()
    updated = fields.BigIntField()

    class Meta:
        """Found by id, so also by push, and by state and age; each further index would cost every delivery."""

        table = "ocpi_delivery"
        indexes = (("state", "created"),)
