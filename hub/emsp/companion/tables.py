"""The tables of the companion; every moment is in microseconds since 1970, UTC."""

from tortoise import fields
from tortoise.models import Model

from hub.database.columns import Text


class EmspNotification(Model):
    """One thing a driver is told, whatever the channels.

    Attributes:
        key: the same one twice is one.
        kind: a kind of ``hub.emsp.companion.kinds``.
        event: the code its cause gave it; texts are found by it.
        text: in English, as its cause wrote it.
        data: JSON that texts are filled with.
        planned: 1 once it is decided by which channels it goes.
        read_at: when the driver has seen it; null: not yet.
    """

    id = fields.BigIntField(primary_key=True)
    key = Text()
    driver_id = Text()
    kind = Text()
    event = Text()
    text = Text()
    data = fields.BinaryField()
    planned = fields.SmallIntField()
    created = fields.BigIntField()
    read_at = fields.BigIntField(null=True)

    class Meta:
        """Planned in the order they came, listed by driver."""

        table = "emsp_notification"
        unique_together = (("key",),)
        indexes = (("planned", "id"), ("driver_id", "id"))


class EmspNotificationDelivery(Model):
    """A notification on its way by one channel.

    Attributes:
        target: the address, number or subscription.
        state: PENDING, SENDING, SENT or FAILED; ``hub.emsp.companion.delivering`` says what they mean.
        attempts: how often it was handed to the channel.
        due: when it is tried next; null: never.
        until: when it is not worth telling any more.
        reason: why it was not taken.
    """

    id = fields.BigIntField(primary_key=True)
    notification_id = fields.BigIntField()
    driver_id = Text()
    channel = Text()
    target = Text()
    state = Text()
    attempts = fields.IntField()
    due = fields.BigIntField(null=True)
    until = fields.BigIntField()
    sent_at = fields.BigIntField(null=True)
    reason = Text(null=True)

    class Meta:
        """One per notification, channel and target."""

        table = "emsp_notification_delivery"
        unique_together = (("notification_id", "channel", "target"),)
        indexes = (("due",), ("driver_id",))


class EmspPreference(Model):
    """How a driver wants to be told.

    Attributes:
        document: JSON of ``hub.emsp.companion.preferences``.
    """

    driver_id = Text(primary_key=True)
    document = fields.BinaryField()
    changed = fields.BigIntField()

    class Meta:
        """One row per driver; without one the defaults hold."""

        table = "emsp_preference"


class EmspPushSubscription(Model):
    """A browser or app that takes web push messages (RFC 8030).

    Attributes:
        endpoint: URL of its push service.
        p256dh: its public key, base64url.
        auth: its authentication secret, base64url.
    """

    id = Text(primary_key=True)
    driver_id = Text()
    endpoint = Text()
    p256dh = Text()
    auth = Text()
    created = fields.BigIntField()

    class Meta:
        """Listed by driver."""

        table = "emsp_push_subscription"
        unique_together = (("endpoint",),)
        indexes = (("driver_id",),)


class EmspCalendar(Model):
    """A driver's calendar: uploaded, or read from a URL.

    Attributes:
        url: where it is read; null: it was uploaded.
        document: the iCalendar text; null: not read yet.
        due: when it is read next; null: never.
        reason: why the last reading failed.
    """

    id = Text(primary_key=True)
    driver_id = Text()
    name = Text()
    url = Text(null=True)
    document = fields.BinaryField(null=True)
    read_at = fields.BigIntField(null=True)
    due = fields.BigIntField(null=True)
    reason = Text(null=True)

    class Meta:
        """Listed by driver, read when due."""

        table = "emsp_calendar"
        indexes = (("driver_id",), ("due",))


class EmspPosition(Model):
    """Where a driver's phone was; kept with his consent, for a while.

    Attributes:
        lat: in millionths of a degree.
        lon: in millionths of a degree.
    """

    id = fields.BigIntField(primary_key=True)
    driver_id = Text()
    lat = fields.BigIntField()
    lon = fields.BigIntField()
    at = fields.BigIntField()

    class Meta:
        """Listed by driver, swept by age; one per moment."""

        table = "emsp_position"
        unique_together = (("driver_id", "at"),)
        indexes = (("at",),)


class EmspFavourite(Model):
    """A station a driver marked."""

    id = fields.BigIntField(primary_key=True)
    driver_id = Text()
    owner = Text()
    location_id = Text()
    name = Text()
    created = fields.BigIntField()

    class Meta:
        """One row per driver and Location."""

        table = "emsp_favourite"
        unique_together = (("driver_id", "owner", "location_id"),)


class EmspSuggestion(Model):
    """A suggestion that was made; the same one is never made twice.

    Attributes:
        key: what makes it the same one.
        document: JSON of ``hub.emsp.companion.suggesting.Suggestion``.
        expires: from when on it is over.
        dismissed: 1: the driver does not want to see it.
    """

    id = Text(primary_key=True)
    driver_id = Text()
    key = Text()
    document = fields.BinaryField()
    created = fields.BigIntField()
    expires = fields.BigIntField()
    dismissed = fields.SmallIntField()

    class Meta:
        """One row per driver and key."""

        table = "emsp_suggestion"
        unique_together = (("driver_id", "key"),)


class EmspFreeWish(Model):
    """A driver who wants to hear when one of a Location's EVSEs is free.

    Attributes:
        evse_uid: "" for any of the Location.
        state: WAITING, TOLD, EXPIRED or CANCELLED.
        until: how long he waits.
    """

    id = Text(primary_key=True)
    driver_id = Text()
    owner = Text()
    location_id = Text()
    evse_uid = Text()
    state = Text()
    created = fields.BigIntField()
    until = fields.BigIntField()

    class Meta:
        """Found by place, listed by driver."""

        table = "emsp_free_wish"
        indexes = (("state", "owner", "location_id"), ("driver_id",))


class EmspFeedback(Model):
    """What a driver says of one charge.

    Attributes:
        charge: its reference.
        stars: 1 to 5.
    """

    id = fields.BigIntField(primary_key=True)
    driver_id = Text()
    charge = Text()
    owner = Text()
    location_id = Text()
    stars = fields.SmallIntField()
    text = Text()
    at = fields.BigIntField()

    class Meta:
        """One per charge."""

        table = "emsp_feedback"
        unique_together = (("driver_id", "charge"),)
        indexes = (("owner", "location_id"),)


class EmspFleet(Model):
    """A fleet: Tokens with one group_id.

    Attributes:
        group_id: of OCPI's Tokens.
        manager: driver_id of who may see its reports.
    """

    group_id = Text(primary_key=True)
    name = Text()
    manager = Text()
    created = fields.BigIntField()

    class Meta:
        """Listed by manager."""

        table = "emsp_fleet"
        indexes = (("manager",),)


class EmspFleetMember(Model):
    """A Token of a fleet.

    Attributes:
        token_uid: upper case; a Token is in one fleet at most.
        vehicle: the car it stands for.
        cost_centre: whom its costs are charged to.
        since: from when on its charges are the fleet's; what was charged before is its driver's own affair.
    """

    token_uid = Text(primary_key=True)
    group_id = Text()
    vehicle = Text()
    cost_centre = Text()
    since = fields.BigIntField()

    class Meta:
        """Listed by fleet."""

        table = "emsp_fleet_member"
        indexes = (("group_id",),)


class EmspFleetPast(Model):
    """A time a Token was in a fleet; the columns are those of ``EmspFleetMember``.

    Attributes:
        until: when it was taken out.
    """

    id = fields.BigIntField(primary_key=True)
    token_uid = Text()
    group_id = Text()
    vehicle = Text()
    cost_centre = Text()
    since = fields.BigIntField()
    until = fields.BigIntField()

    class Meta:
        """Listed by fleet, forgotten by Token."""

        table = "emsp_fleet_past"
        indexes = (("group_id",), ("token_uid",))
