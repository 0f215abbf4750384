"""Query parameters judged as what their operation declares them.

Source: OCPI 2.3.0, transport_and_format.asciidoc (Paginated Request), the Request Parameters of each module.
"""

from typing import Any

from hub.ocpi import codec
from hub.ocpi.errors import InvalidParameters
from hub.ocpi.messages import Request
from hub.ocpi.versions import VERSIONS


def judge_query(request: Request) -> None:
    """Judge the query parameters an operation declares.

    Raises:
        InvalidParameters: naming the parameter and the rule.
    """
    given = request.parameters
    for name in request.operation.query_required:
        if not given.get(name):
            raise InvalidParameters(f"query parameter {name}: required")
    for name, declared in request.operation.query_typed:
        if given.get(name):
            _judge(name, given[name], declared)


def _judge(name: str, value: str, declared: Any) -> None:
    number = declared is int
    if number and not (value.isascii() and value.isdigit() and len(value) < 19):
        raise InvalidParameters(f"query parameter {name}: must be a whole number, not negative")
    try:
        VERSIONS["2.3.0"].judge(value.encode() if number else codec.encode(value), declared)
    except InvalidParameters as error:
        raise InvalidParameters(f"query parameter {name}: {str(error).removeprefix('$: ')}") from error
