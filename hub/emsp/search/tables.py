"""The index's table; its spatial index is the engine's own and is made where the index is opened."""

from tortoise import fields
from tortoise.models import Model

from hub.database.columns import Text


class EmspPlace(Model):
    """One EVSE that can be found; ``hub.emsp.search.index`` tells what the columns mean.

    Attributes:
        owner: CC-PID of the CPO; location_id and evse_uid folded to upper case.
        available: 1 where the status is AVAILABLE.
        power: the most any connector gives, in W.
        standards, currents, facilities, capabilities, parking: bits of ``hub.emsp.search.words``.
        green: 1 where its energy is told to be green.
        tariffs: ids, upper case, separated by line feeds.
        country: ISO 3166-1 alpha-3, as its Location says.
        code: its EVSE-ID without separators, upper case; "" where it has none.
        changed: when it last changed, by its CPO, in microseconds since 1970, UTC.
    """

    id = fields.BigIntField(primary_key=True)
    owner = Text()
    location_id = Text()
    evse_uid = Text()
    lat = fields.FloatField()
    lon = fields.FloatField()
    status = Text()
    available = fields.SmallIntField()
    power = fields.IntField()
    standards = fields.BigIntField()
    currents = fields.SmallIntField()
    facilities = fields.BigIntField()
    capabilities = fields.BigIntField()
    parking = fields.BigIntField()
    green = fields.SmallIntField()
    tariffs = Text()
    zone = Text()
    country = Text()
    code = Text()
    changed = fields.BigIntField()

    class Meta:
        """One row per EVSE, found by place (a spatial index) and by address."""

        table = "emsp_place"
        unique_together = (("owner", "location_id", "evse_uid"),)
        indexes = (("code",),)
