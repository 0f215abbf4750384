"""What the rooms refuse in the words of OCPI, as problems of the operator API."""

import contextlib
from collections.abc import Iterator

from hub.api.problems import Conflict, Invalid, NotFound, invalid
from hub.ocpi.errors import OcpiError


@contextlib.contextmanager
def refusals() -> Iterator[None]:
    """Raise what is refused inside as the problem it is: 404, 409, or 422 with path and rule."""
    try:
        yield
    except OcpiError as error:
        text = str(error)
        if error.http_status == 404:
            raise NotFound(text) from error
        if error.http_status == 409:
            raise Conflict(text) from error
        path, found, rule = text.partition(": ")
        raise (invalid(path, rule) if found and path.startswith("$") else Invalid(text)) from error
