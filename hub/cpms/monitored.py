"""What the monitors of a station of 2.0.1 notice, and what an error of 1.6 says of a door, as alarms begun and over.

A truth value is the state itself, whatever made the station send it: ``true`` begins an alarm; ``false``, and
``cleared``, end it. A temperature is measured against the operator's own setting.

Source: OCPP 2.0.1 edition 3, part 2, N07 (Alert Event), NotifyEventRequest and appendix 3 (components, variables).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from hub.ocpp.words import EVSE, JSONObject

#: Standardized variables that are true while something is wrong.
_WRONG = frozenset({"problem", "tripped", "overload", "fallback"})

#: Components that are doors: of a site, and of the station's own case.
_DOORS = frozenset({"accessbarrier", "caseaccesssensor"})

#: No standardized variable, but what makers call it.
_TAMPER = "tamper"

_OPEN_DOOR = re.compile(r"door[\W_]*(?:is)?[\W_]*(?:open|ajar|not[\W_]*closed)|open(?:ed)?[\W_]*door", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """An alarm that begins or is over.

    Attributes:
        subject: the component's variable: ``STATION/EVSE Component.Variable``.
        evse: where it is, with evse_id 0 the whole station.
        message: None: it is over.
    """

    rule: str
    subject: str
    evse: EVSE
    message: str | None


def findings(station_id: str, payload: JSONObject, *, hot: Decimal, cooled: Decimal) -> Iterator[Finding]:
    """Yield what follows from a NotifyEventRequest.

    Args:
        hot, cooled: in Celsius: an alarm begins above the one, and is over at the other.
    """
    for event in payload["eventData"]:
        component, variable = event["component"], event["variable"]
        rule = _rule(component["name"].casefold(), variable["name"].casefold())
        if rule is None:
            continue
        begun = _is_true(event["actualValue"])
        if rule == "TEMPERATURE":
            begun = _is_hot(event["actualValue"], hot, cooled)
        if event.get("cleared"):
            begun = False
        if begun is not None:
            evse = EVSE(station_id=station_id, evse_id=int((component.get("evse") or {}).get("id") or 0))
            subject = f"{subject_of(evse)} {_named(component)}.{_named(variable)}"
            message = _message(subject, event) if begun else None
            yield Finding(rule=rule, subject=subject, evse=evse, message=message)


def says_open_door(*said: str | None) -> bool:
    """Whether one of the words a station of 1.6 gives with a status says that a door is open."""
    return any(_OPEN_DOOR.search(each) for each in said if each)


def subject_of(evse: EVSE) -> str:
    """Return what an alarm is about."""
    return f"{evse.station_id}/{evse.evse_id}" if evse.evse_id else evse.station_id


def _rule(component: str, variable: str) -> str | None:
    if variable == "temperature":
        return "TEMPERATURE"
    if variable == _TAMPER:
        return "TAMPER"
    if variable not in _WRONG:
        return None
    return "DOOR" if component in _DOORS and variable == "tripped" else "FAULT"


def _is_true(value: str) -> bool | None:
    """Return a truth value; None: it is none."""
    return {"true": True, "1": True, "false": False, "0": False}.get(value.strip().casefold())


def _is_hot(value: str, hot: Decimal, cooled: Decimal) -> bool | None:
    """Whether a temperature is too high; None: it is neither that nor cool again, or no number."""
    try:
        degrees = Decimal(value.strip())
    except InvalidOperation:
        return None
    if not degrees.is_finite() or cooled < degrees <= hot:
        return None
    return degrees > hot


def _named(said: JSONObject) -> str:
    instance = said.get("instance")
    return f"{said['name']}[{instance}]" if instance else str(said["name"])


def _message(subject: str, event: JSONObject) -> str:
    details = " ".join(event[name] for name in ("techCode", "techInfo") if event.get(name))
    return f"{subject} is {event['actualValue']}{f': {details}' if details else ''}"
