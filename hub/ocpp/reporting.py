"""What stations report and are only thanked for, told as it came.

Source: OCPP 2.0.1 part 2 (timestamp and generatedAt of notifications).
"""

import datetime
from collections.abc import Sequence

from hub.ocpp.dialects import Call
from hub.ocpp.events import Operator, Reported
from hub.ocpp.measuring import Dropped
from hub.ocpp.times import moment

#: Fields that hold the station's time of what it reports.
_TIMES = ("timestamp", "generatedAt", "settlementTime", "basetime")


async def report(operator: Operator, call: Call) -> None:
    """Tell a notification."""
    await operator.told(Reported(station_id=call.station_id, kind=call.action, payload=call.payload, at=_time_of(call)))


async def report_dropped(operator: Operator, call: Call, dropped: Sequence[Dropped]) -> None:
    """Tell of the sampled values of a message that were left out of its samples, all at once."""
    if not dropped:
        return
    left_out = [{"sampledValue": each.sampled_value, "rule": each.rule} for each in dropped]
    payload = {"action": call.action, "dropped": left_out}
    await operator.told(
        Reported(station_id=call.station_id, kind="SamplesDropped", payload=payload, at=call.received_at)
    )


def _time_of(call: Call) -> datetime.datetime:
    """Return when it was at the station, else when it came."""
    said = next((call.payload[name] for name in _TIMES if name in call.payload), None)
    return moment(said) if said is not None else call.received_at
