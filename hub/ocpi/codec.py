"""JSON in and out: exact numbers, UTF-8, and a clear fault for what is not JSON.

Numbers with a fraction are read as ``Decimal`` and written as they were, so an amount that passes
through a translation or a merge keeps its value (types.asciidoc, number).
"""

from decimal import Decimal
from typing import Any

import msgspec

from hub.ocpi.errors import InvalidParameters, Unparsable
from hub.ocpi.objects import JSON

_decoder = msgspec.json.Decoder(float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number")

#: What msgspec raises for a text that is no JSON (broken UTF-8 and absurd nesting included).
NOT_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def decode(text: bytes) -> JSON:
    """Return the value of a JSON text, with exact numbers.

    Raises:
        Unparsable: the text is no valid JSON in UTF-8, or is nested absurdly deep.
        InvalidParameters: a number in it is beyond what can be held (integers of more than 4,300
            digits, exponents of more than 18).
    """
    try:
        return _decoder.decode(text)
    except (msgspec.ValidationError, ArithmeticError) as error:
        raise InvalidParameters("A number is too large to be held exactly") from error
    except NOT_JSON as error:
        raise Unparsable(f"The body is not valid JSON: {error}") from error


def encode(value: Any) -> bytes:
    """Return a value as JSON text in UTF-8.

    Raises:
        InvalidParameters: it is nested too deep to be written from where this is called.
    """
    try:
        return _encoder.encode(value)
    except RecursionError as error:
        raise InvalidParameters("A value is nested absurdly deep") from error
