"""MeterValue of 1.6 as samples.

Source: OCPP 1.6 edition 2, Metering Data, MeterValue, SampledValue, ValueFormat.
"""

import datetime
from decimal import Decimal

from msgspec.structs import replace

from hub.ocpp.measuring import Dropped, default_unit, exact, in_base_unit
from hub.ocpp.times import moment
from hub.ocpp.words import SIGNED_ALONE, JSONObject, Sample

#: The value of a signed record, whose text is no number; it is to be found beside it.
_UNREAD = Decimal(0)


def samples_of(meter_values: list[JSONObject]) -> tuple[tuple[Sample, ...], list[Dropped]]:
    """Return the samples of a message in its order, and what of it is no number.

    Raises:
        CallFault: a timestamp is none.
    """
    samples: list[Sample] = []
    dropped: list[Dropped] = []
    for meter_value in meter_values:
        at = moment(meter_value["timestamp"])
        plain: list[Sample] = []
        signed: list[Sample] = []
        for sampled in meter_value["sampledValue"]:
            if sampled.get("format") == "SignedData":
                signed.append(_sample(at, _UNREAD, sampled, sampled["value"]))
                continue
            value = exact(sampled["value"])
            if value is None:
                dropped.append(Dropped(sampled, "the value is no number a meter counts to"))
            else:
                plain.append(_sample(at, value, sampled))
        samples += _with_signatures(plain, signed) if signed else plain
    return tuple(samples), dropped


def _sample(at: datetime.datetime, value: Decimal, sampled: JSONObject, signed: str | None = None) -> Sample:
    measurand = sampled.get("measurand", "Energy.Active.Import.Register")
    value, unit = in_base_unit(value, sampled.get("unit") or default_unit(measurand))
    return Sample(
        at=at,
        value=value,
        measurand=measurand,
        unit=unit,
        phase=sampled.get("phase"),
        location=sampled.get("location", "Outlet"),
        context=sampled.get("context", "Sample.Periodic"),
        signed=signed,
    )


def _with_signatures(plain: list[Sample], signed: list[Sample]) -> list[Sample]:
    """Return the samples with each signed record beside the plain value it signs.

    1.6 has no field for both: a station sends the register twice, once Raw and once as SignedData. A record that
    has no such twin stays, as a sample of no measurand that anybody adds up.
    """
    for record in signed:
        twin = next((i for i, each in enumerate(plain) if each.signed is None and _alike(each, record)), None)
        if twin is None:
            plain.append(replace(record, measurand=SIGNED_ALONE, unit=""))
        else:
            plain[twin] = replace(plain[twin], signed=record.signed)
    return plain


def _alike(one: Sample, other: Sample) -> bool:
    return (one.measurand, one.phase, one.location, one.context) == (
        other.measurand, other.phase, other.location, other.context,
    )  # fmt: skip
