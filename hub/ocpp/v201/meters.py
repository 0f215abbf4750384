"""MeterValueType of 2.0.1 as samples.

Source: OCPP 2.0.1 part 2, MeterValueType, SampledValueType, SignedMeterValueType, UnitOfMeasureType.
"""

import datetime
from decimal import Decimal

from hub.ocpp.measuring import Dropped, default_unit, exact, in_base_unit
from hub.ocpp.times import moment
from hub.ocpp.words import JSONObject, Sample

#: No multiplier of a meter is beyond this power of ten: from atto to exa.
_MULTIPLIER = 18


def samples_of(meter_values: list[JSONObject]) -> tuple[tuple[Sample, ...], list[Dropped]]:
    """Return the samples of a message in its order, and what of it no meter counts to.

    Raises:
        CallFault: a timestamp is none.
    """
    samples: list[Sample] = []
    dropped: list[Dropped] = []
    for meter_value in meter_values:
        at = moment(meter_value["timestamp"])
        for sampled in meter_value["sampledValue"]:
            value = _value(sampled)
            if value is None:
                dropped.append(Dropped(sampled, "the value, or its multiplier, is none a meter counts to"))
            else:
                samples.append(_sample(at, value, sampled))
    return tuple(samples), dropped


def _value(sampled: JSONObject) -> Decimal | None:
    """Return a value with its multiplier worked in."""
    value = exact(sampled["value"])
    multiplier = int((sampled.get("unitOfMeasure") or {}).get("multiplier") or 0)
    if value is None or abs(multiplier) > _MULTIPLIER:
        return None
    return value.scaleb(multiplier) if multiplier else value


def _sample(at: datetime.datetime, value: Decimal, sampled: JSONObject) -> Sample:
    measurand = sampled.get("measurand", "Energy.Active.Import.Register")
    unit = (sampled.get("unitOfMeasure") or {}).get("unit") or default_unit(measurand)
    value, unit = in_base_unit(value, unit)
    return Sample(
        at=at,
        value=value,
        measurand=measurand,
        unit=unit,
        phase=sampled.get("phase"),
        location=sampled.get("location", "Outlet"),
        context=sampled.get("context", "Sample.Periodic"),
        signed=sampled.get("signedMeterValue"),
    )
