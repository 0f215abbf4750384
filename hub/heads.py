"""A few fields read out of a judged text: decoding all of it costs more than storing it."""

import contextlib
from collections.abc import Callable
from typing import TypeVar

import msgspec

from hub.ocpi import codec


class Head(msgspec.Struct):
    """The fields of an object that say whose it is, which it is and when it changed."""

    country_code: str | None = None
    party_id: str | None = None
    id: str | None = None
    uid: str | None = None
    type: str | None = None
    request_id: str | None = None
    last_updated: str | None = None


S = TypeVar("S", bound=msgspec.Struct)


def reader(kind: type[S]) -> Callable[[bytes], S]:
    """Return a function that reads a few fields out of a judged text; decoding all of it costs more than storing it.

    A field of another type says nothing: it is a ``[]`` that stands for absence, or it only has the name in
    common, for what an object's declaration does not know is judged by nobody.
    """
    decode = msgspec.json.Decoder(kind).decode

    def read(text: bytes) -> S:
        try:
            return decode(text)
        except msgspec.ValidationError:
            said, found = codec.decode(text), {}
            for field in msgspec.structs.fields(kind):
                with contextlib.suppress(msgspec.ValidationError):
                    found[field.name] = msgspec.convert(said.get(field.name, field.default), field.type)
            return kind(**found)

    return read


head = reader(Head)
