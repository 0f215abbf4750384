"""The operator's tables of prices: its Tariffs in every version, where they apply, and special offers."""

from tortoise import fields
from tortoise.models import Model

from hub.database.columns import Text


class CpmsTariff(Model):
    """A Tariff the operator made; what eMSPs see of it lies on the shelf.

    Attributes:
        tariff_id: folded to upper case.
        provider: CC-PID of the one eMSP it is for; null: for everyone.
        offer_id: the special offer it was made for; ``base`` the Tariff it takes the place of, both null otherwise.
        removed_at: in microseconds since 1970, UTC.
    """

    tariff_id = Text(primary_key=True)
    provider = Text(null=True)
    offer_id = Text(null=True)
    base = Text(null=True)
    removed_at = fields.BigIntField(null=True)

    class Meta:
        """Found by the offer it was made for, and by the Tariff it takes the place of."""

        table = "cpms_tariff"
        indexes = (("offer_id",), ("base",))


class CpmsTariffVersion(Model):
    """A Tariff as it was from one change to the next.

    Attributes:
        tariff_id: folded to upper case.
        version: from 1.
        document: JSON of the Tariff.
        applies_from: in microseconds since 1970, UTC; until the next version does.
        made_by: who made it.
        note: why.
    """

    id = fields.BigIntField(primary_key=True)
    tariff_id = Text()
    version = fields.IntField()
    document = fields.BinaryField()
    applies_from = fields.BigIntField()
    made_by = Text()
    note = Text()

    class Meta:
        """One row per version."""

        table = "cpms_tariff_version"
        unique_together = (("tariff_id", "version"),)


class CpmsTariffPlace(Model):
    """Where a Tariff applies: a Location, an EVSE, a Connector, or a group of stations.

    Attributes:
        tariff_id: folded to upper case.
        group_id: a group; "" if the place is named itself.
        location_id, evse_uid, connector: folded to upper case; "" is all of them.
    """

    id = fields.BigIntField(primary_key=True)
    tariff_id = Text()
    group_id = Text()
    location_id = Text()
    evse_uid = Text()
    connector = Text()

    class Meta:
        """Once per place; found by Location and by group."""

        table = "cpms_tariff_place"
        unique_together = (("tariff_id", "group_id", "location_id", "evse_uid", "connector"),)
        indexes = (("location_id",), ("group_id",))


class CpmsStationGroup(Model):
    """A Location or EVSE of a group of stations that get their prices together.

    Attributes:
        group_id: its name, folded to upper case.
        location_id, evse_uid: folded to upper case; an evse_uid of "" is all of them.
    """

    id = fields.BigIntField(primary_key=True)
    group_id = Text()
    location_id = Text()
    evse_uid = Text()

    class Meta:
        """Once per place."""

        table = "cpms_station_group"
        unique_together = (("group_id", "location_id", "evse_uid"),)
        indexes = (("location_id",),)


class CpmsOffer(Model):
    """A special offer: cheaper for some time at some places.

    Attributes:
        document: JSON of ``hub.cpms.tariffs.offers.Offer``.
        begins, ends: in microseconds since 1970, UTC.
        state: PLANNED, RUNNING, ENDED or CANCELED.
    """

    offer_id = Text(primary_key=True)
    document = fields.BinaryField()
    begins = fields.BigIntField()
    ends = fields.BigIntField()
    state = Text()

    class Meta:
        """Found by what begins or ends next."""

        table = "cpms_offer"
        indexes = (("state", "begins"), ("state", "ends"))
