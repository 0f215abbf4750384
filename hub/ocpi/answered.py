"""What another party answered, as far as it is what it was asked for: whoever answers is a stranger, too.

The hub hands an answer on as it came (decision 0003), so who asked judges it.
"""

from hub.ocpi import codec
from hub.ocpi.errors import InvalidParameters, ReceiverFailed
from hub.ocpi.interfaces import Operation
from hub.ocpi.judging import Judge
from hub.ocpi.messages import Response
from hub.ocpi.objects import JSON

_judge = Judge()


def answered(operation: Operation, response: Response, *, without: bool = False) -> JSON:
    """Return the object an operation was answered with.

    Args:
        without: whether fields may be missing; the caller then looks for those it needs.

    Raises:
        OcpiError: the answer is a refusal.
        ReceiverFailed: it is a success with something else than was asked for.
    """
    value = response.raise_for_status().value
    try:
        _judge.judge(codec.encode(value), operation.data, partial=without)
    except InvalidParameters as error:
        raise ReceiverFailed(f"{operation} was answered with something else: {error}") from error
    return value
