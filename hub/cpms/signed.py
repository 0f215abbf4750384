"""Signed meter values of a station, passed through as a CDR's SignedData.

Nothing is changed in them: who checks a bill needs the very bytes the meter signed. 1.6 gives one
text (usually OCMF), 2.0.1 a SignedMeterValueType that names its method and key.

Source: OCPI 2.3.0, mod_cdrs.asciidoc (SignedData, SignedValue); OCPP 2.0.1, part 2, SignedMeterValueType; OCPP 1.6,
ValueFormat SignedData.
"""

import base64
from collections.abc import Sequence
from typing import Any

from hub.ocpi.objects import JSONObject

_LONGEST = 5000  # characters of a SignedValue's field


def signed_data(values: Sequence[Any]) -> JSONObject | None:
    """Return the SignedData of a transaction's signed values, first to last; None if there are none that fit."""
    fitting = [each for each in map(_fields, values) if len(each["signed_data"]) <= _LONGEST]
    if not fitting:
        return None
    first = fitting[0]
    made: JSONObject = {
        "encoding_method": (first["encoding_method"] or "OCMF")[:36],
        "signed_values": [
            {"nature": nature, "plain_data": "", "signed_data": each["signed_data"]}
            for nature, each in zip(_natures(len(fitting)), fitting, strict=True)
        ],
    }
    if first["public_key"]:
        made["public_key"] = first["public_key"][:512]
    return made


def _natures(count: int) -> list[str]:
    if count == 1:
        return ["End"]
    return ["Start", *["Intermediate"] * (count - 2), "End"]


def _fields(value: Any) -> JSONObject:
    if isinstance(value, dict):  # 2.0.1: signedMeterData is in Base64 as it is
        return {
            "signed_data": value.get("signedMeterData", ""),
            "encoding_method": value.get("encodingMethod"),
            "public_key": value.get("publicKey"),
        }
    text = str(value)
    return {
        "signed_data": base64.b64encode(text.encode()).decode(),
        "encoding_method": text.partition("|")[0] if text.startswith("OCMF|") else None,
        "public_key": None,
    }
