"""Header lines as they are sent; those that stand in many requests are written once.

Source: RFC 9112 (5 field syntax).
"""

from collections.abc import Mapping

from hub.ocpi.wire.answers import WireError


class Lines:
    """Header fields as text, each line ended.

    Attributes:
        text: in ISO 8859-1; nothing in it begins a line but the fields it was made of.
    """

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> "Lines":
        """Return the lines of header fields.

        Raises:
            WireError: a value has a line break in it.
        """
        text = ""
        for name, value in headers.items():
            text += f"{name}: {value}\r\n"
        if text.count("\r") != len(headers) or text.count("\n") != len(headers):
            raise WireError("a header with a line break is not sent")
        return cls(text)

    def after(self, headers: Mapping[str, str]) -> "Lines":
        """Return these lines after those of more fields.

        Raises:
            WireError: a value has a line break in it.
        """
        return Lines(Lines.of(headers).text + self.text)

    def fields(self) -> dict[str, str]:
        """Return the fields again, by name."""
        found: dict[str, str] = {}
        for line in self.text.split("\r\n")[:-1]:
            name, _, value = line.partition(": ")
            found[name] = value
        return found
