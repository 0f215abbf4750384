"""OCPI's DateTimes as values: aware moments, and microseconds for what is compared and stored.

Source: OCPI 2.3.0, types.asciidoc (DateTime): UTC, with or without ``Z``, with or without fraction.
"""

import datetime

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def utc_now() -> datetime.datetime:
    """Return this moment, aware, in UTC; what a clock in this house returns."""
    return datetime.datetime.now(datetime.UTC)


def moment(text: str) -> datetime.datetime:
    """Return a DateTime as an aware datetime in UTC.

    Raises:
        ValueError: it is no DateTime of the standard.
    """
    read = datetime.datetime.fromisoformat(text)
    return read.replace(tzinfo=datetime.UTC) if read.tzinfo is None else read.astimezone(datetime.UTC)


def date_time(at: datetime.datetime) -> str:
    """Return a moment as an OCPI DateTime with milliseconds."""
    return at.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def microseconds(text: str) -> int:
    """Return a DateTime as microseconds since the epoch.

    Raises:
        ValueError: it is no DateTime of the standard.
    """
    return (moment(text) - EPOCH) // datetime.timedelta(microseconds=1)


def stamp(at: datetime.datetime) -> int:
    """Return a moment as a column holds it: microseconds since the epoch."""
    return (at - EPOCH) // datetime.timedelta(microseconds=1)


def stamped(value: int) -> datetime.datetime:
    """Return the moment a column holds."""
    return EPOCH + datetime.timedelta(microseconds=value)
