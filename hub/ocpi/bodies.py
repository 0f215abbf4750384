"""Bodies of messages: JSON values that stay as they came until somebody looks inside.

Source: OCPI 2.3.0, transport_and_format.asciidoc.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from hub.ocpi import codec
from hub.ocpi.objects import JSON

Owner = Any  # a Party or None; parties are declared where messages are


class Dialect(Protocol):
    """A version of OCPI as far as a message needs it (``hub.ocpi.versions`` has them)."""

    @property
    def number(self) -> str: ...
    def up(self, value: JSON, declared: Any, owner: Owner, *, partial: bool = False) -> JSON: ...
    def down(self, value: JSON, declared: Any) -> JSON: ...


class Body:
    """A JSON value on its way: the text as received, or a value in the newest version.

    The text is kept as it came and handed on as it came to a peer of the same version
    (decision 0003); it is decoded, raised and lowered only when somebody asks.

    Attributes:
        version: the version the text is in; None: the newest.
        declared: what the value is declared as, for translation.
        owner: whose object it is, for versions that do not say it inside.
        partial: whether it is the body of a PATCH.
        head: what has been read of the text alone, by whoever first did.
        judged: the object as its judge saw it, until the head is read; None if it has fields nobody declared.
    """

    __slots__ = ("_text", "_value", "declared", "head", "judged", "owner", "partial", "version")

    def __init__(
        self,
        declared: Any,
        *,
        text: bytes | None = None,
        value: JSON = None,
        version: Dialect | None = None,
        owner: Owner = None,
        partial: bool = False,
    ) -> None:
        self.declared = declared
        self.version = version
        self.owner = owner
        self.partial = partial
        self.head: Any = None
        self.judged: Mapping[str, Any] | None = None
        self._text = text
        self._value = value

    @property
    def value(self) -> JSON:
        """The value in the newest version, numbers exact."""
        if self._value is None and self._text is not None:
            value = codec.decode(self._text)
            if self.version is not None:
                value = self.version.up(value, self.declared, self.owner, partial=self.partial)
            self._value = value
        return self._value

    def text(self, version: Dialect | None) -> bytes:
        """Return the value as JSON text of a version: the very bytes received if it came in that.

        What nothing is declared of (a custom module's) is the same in every version.
        """
        number = version.number if version else None
        if self._text is not None and (
            self.declared is None or (self.version.number if self.version else None) == number
        ):
            return self._text
        value = self.value if version is None else version.down(self.value, self.declared)
        return codec.encode(value)
