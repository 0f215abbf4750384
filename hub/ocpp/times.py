"""OCPP's dateTimes as values: aware moments in UTC.

Source: OCPP 1.6 edition 2, Time notations; OCPP 2.0.1 part 2, dateTime (RFC 3339).
"""

import datetime

from hub.ocpp.errors import TypeConstraintViolation


def utc_now() -> datetime.datetime:
    """Return this moment, aware, in UTC."""
    return datetime.datetime.now(datetime.UTC)


def moment(text: str) -> datetime.datetime:
    """Return a dateTime as an aware datetime in UTC; one without an offset is in UTC.

    A leap second becomes the second before it: nobody can compute with it.

    Raises:
        TypeConstraintViolation: it is none, or before year 1 or after 9999 in UTC.
    """
    try:
        read = datetime.datetime.fromisoformat(text.upper().replace(":60", ":59"))
        return read.replace(tzinfo=datetime.UTC) if read.tzinfo is None else read.astimezone(datetime.UTC)
    except (ValueError, OverflowError) as error:
        raise TypeConstraintViolation(f"{text[:50]} is no dateTime") from error


def date_time(at: datetime.datetime) -> str:
    """Return a moment as a dateTime with milliseconds, the finest 2.0.1 has."""
    return at.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
