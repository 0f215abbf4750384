"""Moments as the tables of money have them: microseconds since 1970, UTC."""

import datetime

from hub.ocpi.times import EPOCH


def micros(at: datetime.datetime) -> int:
    """Return a moment in microseconds."""
    return (at - EPOCH) // datetime.timedelta(microseconds=1)


def moment_of(at: int) -> datetime.datetime:
    """Return the moment of microseconds."""
    return EPOCH + datetime.timedelta(microseconds=at)
