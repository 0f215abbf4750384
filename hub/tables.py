"""The switch's own tables."""

from tortoise import fields
from tortoise.models import Model

from hub.database.columns import Text


class Channel(Model):
    """How many notifications a channel has had; processes that share an SQLite file see from it what they missed.

    Attributes:
        counter: notifications so far.
        payload: the last one's.
    """

    channel = Text(primary_key=True)
    counter = fields.BigIntField()
    payload = Text()

    class Meta:
        """One row per channel, written with what is notified."""

        table = "hub_channel"


class CatalogueObject(Model):
    """One object as its owner last said it; ``hub.catalogue`` tells what the columns mean.

    Attributes:
        seq: the order of creation, and of pages.
        last_updated: in microseconds since 1970, UTC.
    """

    seq = fields.BigIntField(primary_key=True)
    kind = Text()
    owner = Text()
    object_key = Text()
    peer = Text()
    version = Text()
    body = fields.BinaryField()
    last_updated = fields.BigIntField()

    class Meta:
        """The second index holds all that counting and paging a list reads."""

        table = "hub_object"
        unique_together = (("kind", "object_key", "owner", "peer"),)
        indexes = (("kind", "peer", "seq", "last_updated"), ("owner", "kind", "peer"))


class CatalogueCount(Model):
    """How many objects of a kind a peer (or, without one, everyone) may see; how many were ever deleted."""

    id = fields.BigIntField(primary_key=True)
    kind = Text()
    peer = Text()
    total = fields.BigIntField()
    deleted = fields.BigIntField()

    class Meta:
        """Kept in the transaction that adds or deletes."""

        table = "hub_count"
        unique_together = (("kind", "peer"),)


class LentURL(Model):
    """A URL of a party lent to another as the hub's; ``hub.callbacks`` tells what the columns mean.

    Attributes:
        created, expires, due, answered: in microseconds since 1970, UTC; 0 where it has not happened.
    """

    uid = Text(primary_key=True)
    kind = Text()
    url = Text()
    owner = Text()
    owner_connection = Text()
    borrower = Text()
    borrower_connection = Text()
    module = Text()
    correlation_id = Text()
    reservation = Text()
    created = fields.BigIntField()
    expires = fields.BigIntField()
    due = fields.BigIntField()
    answered = fields.BigIntField()

    class Meta:
        """Found by uid, by reservation and asker, by correlation id, by age."""

        table = "hub_lent"
        indexes = (("reservation", "owner"), ("correlation_id",), ("expires",))


class Pull(Model):
    """Until when the hub has pulled a module from a party; microseconds since 1970, UTC, by the party's own clock."""

    id = fields.BigIntField(primary_key=True)
    connection_id = Text()
    party = Text()
    kind = Text()
    until = fields.BigIntField()

    class Meta:
        """One row per connection, party and kind."""

        table = "hub_pull"
        unique_together = (("connection_id", "party", "kind"),)


class HopBunch(Model):
    """Some hops of messages, stored together; ``hub.trace`` tells what the columns mean.

    Attributes:
        at: when the last of them was over, in microseconds since 1970, UTC.
    """

    id = fields.BigIntField(primary_key=True)
    at = fields.BigIntField()
    marks = fields.BinaryField()
    hops = fields.BinaryField()

    class Meta:
        """Found by a mark in ``marks``; the oldest are those with the smallest id."""

        table = "hub_hops"


class Order(Model):
    """What a command asks of the running server; ``hub.orders`` tells what the states mean.

    Attributes:
        arguments: JSON; erased when the order is taken, for they may hold a token.
        result: JSON; of a failed order its error and exit code.
        created: in microseconds since 1970, UTC.
    """

    id = Text(primary_key=True)
    kind = Text()
    arguments = fields.BinaryField()
    state = Text()
    result = fields.BinaryField()
    created = fields.BigIntField()

    class Meta:
        """The server looks for new ones."""

        table = "hub_order"
        indexes = (("state", "created"),)


class Setting(Model):
    """What ``serve`` last ran with, and the ids fixed at the first start; ``hub.recorded`` reads and writes them.

    Attributes:
        value: JSON.
    """

    name = Text(primary_key=True)
    value = Text()

    class Meta:
        """One row per setting."""

        table = "hub_setting"
