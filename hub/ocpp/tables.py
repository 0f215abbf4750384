"""The charger protocol's own tables."""

from tortoise import fields
from tortoise.models import Model

from hub.database.columns import Text


class OcppStation(Model):
    """A station that may connect, or asks to; ``hub.ocpp.stations`` reads and writes it.

    Attributes:
        state: known, or waiting to be let in.
        security_profile: 0 to 3.
        passwords: hashes, one a line: the valid one first, then those offered to the station and not yet confirmed.
        versions: of OCPP it may speak, separated by commas; empty: any.
        certificate: JSON about the client certificate it last came with.
        vendor, model, serial_number, firmware_version: as its last boot told.
        leniencies: names, separated by commas, of those it was ever granted.
        created, last_seen: in microseconds since 1970, UTC.
    """

    station_id = Text(primary_key=True)
    state = Text()
    security_profile = fields.SmallIntField()
    passwords = Text()
    versions = Text()
    certificate = Text(null=True)
    vendor = Text()
    model = Text()
    serial_number = Text()
    firmware_version = Text()
    leniencies = Text()
    created = fields.BigIntField()
    last_seen = fields.BigIntField(null=True)

    class Meta:
        """One row per station; those that wait are few and listed."""

        table = "ocpp_station"
        indexes = (("state",),)


class OcppLeniency(Model):
    """What is let pass of a make of station; ``hub.ocpp.leniency`` tells what the names mean.

    Attributes:
        model: "" is every model of the vendor.
        names: separated by commas.
    """

    id = fields.BigIntField(primary_key=True)
    vendor = Text()
    model = Text()
    names = Text()

    class Meta:
        """One row per make."""

        table = "ocpp_leniency"
        unique_together = (("vendor", "model"),)


class OcppFrames(Model):
    """Some frames of one station, stored together; ``hub.ocpp.framelog`` reads and writes it.

    Attributes:
        first_at, last_at: when the first and the last of them passed, in microseconds since 1970, UTC.
        frames: JSON.
    """

    id = fields.BigIntField(primary_key=True)
    station_id = Text()
    first_at = fields.BigIntField()
    last_at = fields.BigIntField()
    frames = fields.BinaryField()

    class Meta:
        """Found by station and time, or by time; the oldest are forgotten first."""

        table = "ocpp_frames"
        indexes = (("station_id", "last_at"), ("last_at",))
