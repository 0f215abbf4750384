"""Moments as columns hold them: microseconds since 1970, UTC."""

import datetime

from hub.ocpi.times import EPOCH

_MICROSECOND = datetime.timedelta(microseconds=1)


def microseconds(moment: datetime.datetime) -> int:
    """Return a moment as a column holds it."""
    return (moment - EPOCH) // _MICROSECOND


def at(value: int) -> datetime.datetime:
    """Return the moment a column holds."""
    return EPOCH + datetime.timedelta(microseconds=value)
