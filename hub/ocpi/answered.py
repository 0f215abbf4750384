"""What another party answered, as far as it is what it was asked for: whoever answers is a stranger, too.

The hub hands an answer on as it came (decision 0003), so who asked judges it.
"""

from collections.abc import Collection

from hub.ocpi import codec
from hub.ocpi.errors import InvalidParameters, ReceiverFailed
from hub.ocpi.interfaces import Operation
from hub.ocpi.judging import Judge
from hub.ocpi.messages import Response
from hub.ocpi.objects import JSON

_judge = Judge()


def answered(operation: Operation, response: Response, *, only: Collection[str] = ()) -> JSON:
    """Return the object an operation was answered with.

    Args:
        only: the fields the caller reads; the others are not returned, and none needs to be there.

    Raises:
        OcpiError: the answer is a refusal.
        ReceiverFailed: it is a success with something else than was asked for.
    """
    value = response.raise_for_status().value
    if only and isinstance(value, dict):
        value = {name: each for name, each in value.items() if name in only}
    try:
        _judge.judge(codec.encode(value), operation.data, partial=bool(only))
    except InvalidParameters as error:
        raise ReceiverFailed(f"{operation} was answered with something else: {error}") from error
    return value
