"""Why an eMSP's profile is merged with a share: what a station makes of both ways (decision 0025)."""

import dataclasses
import datetime
from decimal import Decimal

from hub.cpms.charging.schedules import Feed, clipped, constant
from hub.cpms.profiles import station_profile
from hub.ocpp.events import EVSE
from hub.ocpp.simulation.profiles import Asked, Profiles

NOW = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)
HERE, FEED, SHARE = EVSE(station_id="ST1", evse_id=1), Feed(phases=3), 10_000
WISHED = {
    "charging_rate_unit": "A", "duration": 600, "start_date_time": "2026-01-01T12:00:00Z",
    "charging_profile_period": [{"start_period": 0, "limit": Decimal(6)}, {"start_period": 300, "limit": Decimal(32)}],
}  # fmt: skip


def limits(*profiles):
    """What a station allows the transaction during the wish, above the share, and after the wish, in A."""
    held = Profiles()
    for each in profiles:
        held.put(1, each, NOW)
    asked = Asked(evse_id=1, transaction_id="7", started_at=NOW)
    return [held.limit(asked, NOW + datetime.timedelta(seconds=each)) / 690 for each in (0, 300, 600)]


def test_a_profile_stacked_above_a_share_would_lift_it_and_a_merged_one_does_not():
    share = station_profile(HERE, "7", constant(SHARE, FEED, NOW), now=NOW)
    wish = station_profile(HERE, "7", WISHED, now=NOW)
    stacked = dataclasses.replace(wish, id=share.id + 1, stack_level=share.stack_level + 1)
    merged = station_profile(HERE, "7", clipped(WISHED, SHARE, FEED, begun_at=NOW), now=NOW)
    default = station_profile(HERE, None, constant(0, FEED, NOW), now=NOW)

    assert limits(default, share, stacked) == [6, 32, 10]
    assert limits(default, share, merged) == [6, 10, 10]
