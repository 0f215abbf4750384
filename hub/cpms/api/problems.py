"""What the operator API refuses because a station does not do it.

Source: RFC 9457 (Problem Details for HTTP APIs); RFC 9110, 15 (status codes).
"""

from hub.api.problems import Problem


class ActionNotSpoken(Problem):
    """The OCPP version of the station has no such message."""

    status = 404


class StationOffline(Problem):
    """There is no connection to the station."""

    status = 409


class StationRefused(Problem):
    """The station answered with an error."""

    status = 502
    acted = True


class StationTimeout(Problem):
    """The station did not answer in time; it may have acted all the same."""

    status = 504
    acted = True
