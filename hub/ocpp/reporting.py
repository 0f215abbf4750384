"""What stations report and are only thanked for, told as it came.

Source: OCPP 2.0.1 part 2 (timestamp and generatedAt of notifications).
"""

import datetime

from hub.ocpp.dialects import Call
from hub.ocpp.events import Operator, Reported
from hub.ocpp.measuring import Dropped
from hub.ocpp.times import moment

#: Fields that hold the station's time of what it reports.
_TIMES = ("timestamp", "generatedAt", "settlementTime", "basetime")


async def report(operator: Operator, call: Call) -> None:
    """Tell a notification."""
    await operator.told(Reported(station_id=call.station_id, kind=call.action, payload=call.payload, at=_time_of(call)))


async def report_dropped(operator: Operator, call: Call, dropped: Dropped) -> None:
    """Tell of a sampled value that was left out of the samples."""
    payload = {"action": call.action, "sampledValue": dropped.sampled_value, "rule": dropped.rule}
    await operator.told(
        Reported(station_id=call.station_id, kind="SampleDropped", payload=payload, at=call.received_at)
    )


def _time_of(call: Call) -> datetime.datetime:
    """Return when it was at the station, else when it came."""
    said = next((call.payload[name] for name in _TIMES if name in call.payload), None)
    return moment(said) if said is not None else call.received_at
