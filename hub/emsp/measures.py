"""Numbers no charge has: the standard bounds none, but nothing inside could count with them, or keep what they make.

Source: OCPI 2.3.0, types.asciidoc (number).
"""

from collections.abc import Iterator
from decimal import Decimal

from hub.ocpi.errors import InvalidParameters
from hub.ocpi.objects import JSON

#: Of kWh, watts, seconds, or any currency.
MOST = 10**12


def check_measures(value: JSON) -> None:
    """Check that every number in an object is one that charging may have.

    Raises:
        InvalidParameters: one is beyond all measure.
    """
    for path, number in _numbers(value, "$"):
        if abs(number) > MOST:
            raise InvalidParameters(f"{path}: is beyond what any charge has")


def _numbers(value: JSON, path: str) -> Iterator[tuple[str, JSON]]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _numbers(each, f"{path}.{name}")
    elif isinstance(value, list):
        for at, each in enumerate(value):
            yield from _numbers(each, f"{path}[{at}]")
    elif isinstance(value, int | float | Decimal):
        yield path, value
