"""MeterValue of 1.6 as samples.

Source: OCPP 1.6 edition 2, Metering Data, MeterValue, SampledValue, ValueFormat.
"""

import datetime
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from hub.ocpp.measuring import Dropped, default_unit, exact, in_base_unit
from hub.ocpp.times import moment
from hub.ocpp.words import JSONObject, Sample


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
        for sampled in _of_format(meter_value, "Raw"):
            value = exact(sampled["value"])
            if value is None:
                dropped.append(Dropped(sampled, "the value is no number a meter counts to"))
            else:
                plain.append(_sample(at, value, sampled))
        samples += _with_signatures(plain, [_signed(at, each) for each in _of_format(meter_value, "SignedData")])
    return tuple(samples), dropped


def _of_format(meter_value: JSONObject, form: str) -> Iterator[JSONObject]:
    return (each for each in meter_value["sampledValue"] if each.get("format", "Raw") == form)


def _sample(at: datetime.datetime, value: Decimal, sampled: JSONObject) -> Sample:
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
    )


def _signed(at: datetime.datetime, sampled: JSONObject) -> Sample:
    """Return a sample whose value is to be found: its text is a signed record, no number."""
    return replace(_sample(at, Decimal(0), sampled), signed=sampled["value"])


def _with_signatures(plain: list[Sample], signed: list[Sample]) -> list[Sample]:
    """Return the samples with each signed record beside the plain value it signs.

    1.6 has no field for both: a station sends the register twice, once Raw and once as SignedData. A record that
    has no such twin stays, as a sample of no measurand that anybody adds up.
    """
    for record in signed:
        twin = next((i for i, each in enumerate(plain) if each.signed is None and _alike(each, record)), None)
        if twin is None:
            plain.append(replace(record, measurand="SignedData", unit=""))
        else:
            plain[twin] = replace(plain[twin], signed=record.signed)
    return plain


def _alike(one: Sample, other: Sample) -> bool:
    return (one.measurand, one.phase, one.location, one.context) == (
        other.measurand, other.phase, other.location, other.context,
    )  # fmt: skip
