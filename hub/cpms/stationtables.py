"""The operator's tables of stations: where they stand, what they are, how they are, and what is wrong with them."""

from tortoise import fields
from tortoise.models import Model

from hub.database.columns import Text


class CpmsStation(Model):
    """A station of the operator; its EVSEs are those of a Location.

    Attributes:
        location_id: the Location it stands at, folded to upper case.
        document: JSON of ``hub.cpms.stationstore.Station``.
        offline_since: when its connection was lost, in microseconds since 1970, UTC; null while connected, and until
            it has connected for the first time.
        removed_at: when it was taken away, in microseconds since 1970, UTC.
    """

    station_id = Text(primary_key=True)
    location_id = Text()
    document = fields.BinaryField()
    offline_since = fields.BigIntField(null=True)
    removed_at = fields.BigIntField(null=True)

    class Meta:
        """Listed by Location, and by vendor and model in the document."""

        table = "cpms_station"
        indexes = (("location_id",),)


class CpmsPlace(Model):
    """Which Connector of a Location a connector of a station is.

    Attributes:
        evse_id: as the station counts, from 1; of OCPP 1.6 the connector.
        connector_id: as the station counts within the EVSE, from 1.
        location_id, evse_uid, connector: of the Location, folded to upper case.
    """

    id = fields.BigIntField(primary_key=True)
    station_id = Text()
    evse_id = fields.IntField()
    connector_id = fields.IntField()
    location_id = Text()
    evse_uid = Text()
    connector = Text()

    class Meta:
        """One to one."""

        table = "cpms_place"
        unique_together = (("station_id", "evse_id", "connector_id"), ("location_id", "evse_uid", "connector"))


class CpmsOperation(Model):
    """Whether a station or one of its EVSEs is operated: ACTIVE, TEST or DISABLED; no row is ACTIVE.

    Attributes:
        evse_id: 0 is the whole station.
        told: whether the station is known to have been told, as a ChangeAvailability: 1 operative, 0 inoperative;
            null before the first.
    """

    id = fields.BigIntField(primary_key=True)
    station_id = Text()
    evse_id = fields.IntField()
    state = Text()
    told = fields.SmallIntField(null=True)

    class Meta:
        """One row per EVSE."""

        table = "cpms_operation"
        unique_together = (("station_id", "evse_id"),)


class CpmsPlan(Model):
    """A period an EVSE is planned to have another Status in.

    Attributes:
        kind: MAINTENANCE or RESERVATION.
        reference: what the period belongs to: a maintenance's or a booking's id.
        location_id, evse_uid: folded to upper case.
        begins, ends: in microseconds since 1970, UTC; an end of null is not known yet.
        note: what is done, for the operator's own people.
    """

    id = fields.BigIntField(primary_key=True)
    kind = Text()
    reference = Text()
    location_id = Text()
    evse_uid = Text()
    begins = fields.BigIntField()
    ends = fields.BigIntField(null=True)
    note = Text()

    class Meta:
        """Once per EVSE and reference; found by EVSE, and by what begins or ends next."""

        table = "cpms_plan"
        unique_together = (("kind", "reference", "location_id", "evse_uid"),)
        indexes = (("location_id", "evse_uid"), ("begins",), ("ends",))


class CpmsConnector(Model):
    """What a station last told of a connector; evse_id 0 is the station itself.

    Attributes:
        status: ``hub.ocpp.events.ConnectorStatus``.
        at: by the station's clock; ``received`` by ours; in microseconds since 1970, UTC.
    """

    id = fields.BigIntField(primary_key=True)
    station_id = Text()
    evse_id = fields.IntField()
    connector_id = fields.IntField()
    status = Text()
    error_code = Text()
    info = Text(null=True)
    vendor_error_code = Text(null=True)
    at = fields.BigIntField()
    received = fields.BigIntField()

    class Meta:
        """One row per connector."""

        table = "cpms_connector"
        unique_together = (("station_id", "evse_id", "connector_id"),)


class CpmsExtension(Model):
    """The JSON Schema of what a vendor's stations have beyond all others.

    Attributes:
        model: "" is every model of the vendor.
        schema: a JSON Schema, draft 2020-12.
        last_updated: in microseconds since 1970, UTC.
    """

    id = fields.BigIntField(primary_key=True)
    vendor = Text()
    model = Text()
    schema = fields.BinaryField()
    last_updated = fields.BigIntField()

    class Meta:
        """One schema per vendor and model."""

        table = "cpms_extension"
        unique_together = (("vendor", "model"),)


class CpmsAlarm(Model):
    """Something the operator's people have to look at.

    Attributes:
        rule: of ``hub.cpms.alarms``, such as OFFLINE.
        subject: what it is about: a station, an EVSE of it, a variable of a component, a session.
        open: 1 until it is over, then null, so that the same one is open at most once.
        raised_at, cleared_at, acknowledged_at: in microseconds since 1970, UTC.
        acknowledged_by: a user of the operator API; ``note`` is theirs.
        warned: whether the operation centre has been told that it was raised: 0 no, 1 yes.
    """

    id = fields.BigIntField(primary_key=True)
    rule = Text()
    severity = Text()
    station_id = Text()
    subject = Text()
    message = Text()
    open = fields.SmallIntField(null=True)
    raised_at = fields.BigIntField()
    cleared_at = fields.BigIntField(null=True)
    acknowledged_at = fields.BigIntField(null=True)
    acknowledged_by = Text(null=True)
    note = Text(null=True)
    warned = fields.SmallIntField()

    class Meta:
        """Open once per rule and subject; listed by date and by station."""

        table = "cpms_alarm"
        unique_together = (("rule", "subject", "open"),)
        indexes = (("raised_at",), ("station_id", "raised_at"), ("warned",))
