"""Statuses as they change, for whoever looks at a map: what the shelf tells, as live events.

Every node hears of every change by the database's own notification, so that the events are not told on.
"""

from hub.api.feed import Feed
from hub.database.contract import Database
from hub.emsp.search.shelf import STATUS

#: The kind of these events.
KIND = "status"


def status_feed(database: Database) -> Feed:
    """Return the live events of EVSEs that change their status."""
    feed = Feed(database, channel=None)

    def heard(line: str) -> None:
        if not line:
            return feed.lost()
        owner, location_id, evse_uid, status = line.split("\n")
        feed.publish(KIND, {"owner": owner, "location_id": location_id, "evse_uid": evse_uid, "status": status})

    database.listen(STATUS, heard)
    return feed
