"""The time zone of a Location, by which its Tariffs tell day and night."""

import datetime
import logging
import zoneinfo

log = logging.getLogger(__name__)


def zone_of(name: str | None) -> datetime.tzinfo:
    """Return a Location's ``time_zone``; one nobody knows is UTC, so that a session is billed all the same."""
    try:
        return zoneinfo.ZoneInfo(name or "UTC")
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        log.error("the time zone %r is unknown; prices are computed in UTC", name)
        return datetime.UTC
