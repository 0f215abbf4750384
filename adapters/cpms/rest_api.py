"""The REST API of another maker's CPMS, as its adapter ``rest.py`` calls it: words, units, and what can go wrong."""

import datetime
import json
from typing import Any

import httpx

from hub.cpms.ports import Authorization, CommandResultType, Outlet
from hub.ocpi.messages import Party
from hub.ocpi.objects import JSON, JSONObject
from hub.ocpi.times import date_time

VOLTS, PHASES = 230, 3
_AMPS_STEP = 10  # limits are told in tenths of an ampere

_STATUSES = {
    "free": "AVAILABLE", "busy": "CHARGING", "held": "RESERVED", "broken": "OUTOFORDER", "offline": "INOPERATIVE",
}  # fmt: skip

#: Their words, and one of ours, for a feed that cannot be followed further: all there is is compared instead.
FEED_LOST = frozenset({"FEED_GONE", "NO_SUCH_CHARGE", "UNREADABLE"})

#: What reading an object raises that is none of those their API describes.
UNREADABLE = (LookupError, TypeError, ValueError, ArithmeticError, AttributeError)

#: What the other system says when it does not carry out a call; any other word is FAILED.
_REFUSALS: dict[str, CommandResultType] = {
    "SOCKET_BUSY": "EVSE_OCCUPIED",
    "SOCKET_HELD": "EVSE_OCCUPIED",
    "SOCKET_BROKEN": "EVSE_INOPERATIVE",
    "POLE_UNREACHABLE": "EVSE_INOPERATIVE",
    "NOT_CHARGING": "REJECTED",
    "NO_SUCH_CHARGE": "REJECTED",
    "NO_SUCH_HOLD": "UNKNOWN_RESERVATION",
}


class NotDone(Exception):
    """A call that was not carried out, or of which nobody knows.

    Attributes:
        result: what a command says of it.
        code: the other system's word for it; empty: it said nothing.
    """

    def __init__(self, result: CommandResultType, code: str = "") -> None:
        super().__init__(f"{result} {code}".strip())
        self.result = result
        self.code = code


class Api:
    """The calls.

    Args:
        url: of the API, without ``/v3``; key is shown with every call.
        timeout: how long an answer is waited for, in seconds.
    """

    def __init__(self, url: str, key: str, timeout: float) -> None:
        self._http = httpx.AsyncClient(
            base_url=url.rstrip("/"), headers={"X-Api-Key": key}, timeout=timeout, trust_env=False
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def call(self, method: str, path: str, body: JSON = None) -> JSON:
        """Return the answer's body.

        Raises:
            NotDone: it was refused, was not understood, or there was none.
        """
        try:
            response = await self._http.request(method, path, json=body)
            answer = response.json()
        except httpx.ConnectError as error:
            raise NotDone("EVSE_INOPERATIVE", str(error)) from error
        except httpx.TimeoutException as error:
            raise NotDone("TIMEOUT", str(error)) from error
        except (httpx.HTTPError, ValueError) as error:
            raise NotDone("FAILED", str(error)) from error
        if not isinstance(answer, dict):
            raise NotDone("FAILED", "an answer that is no object")
        if response.is_success:
            return answer
        code = str(answer.get("code", response.status_code))
        raise NotDone(_REFUSALS.get(code, "FAILED"), code)


def holds(answer: JSON, name: str, field: str, values: tuple[JSON, ...]) -> bool:
    """Whether an answer holds an object with one of some values: what is not understood is not accepted."""
    found = answer.get(name)
    return isinstance(found, dict) and field in found and found[field] in values


def status_of(state: str) -> str:
    """Return a socket's state as a Status of OCPI."""
    return _STATUSES.get(state, "UNKNOWN")


def badge_of(authorization: Authorization) -> str:
    """Return what they know a token by."""
    return str(authorization.token["uid"])


def bearer_of(authorization: Authorization) -> tuple[str, Party]:
    """Return whose badge it is: two eMSPs may have one of the same number."""
    token = authorization.token
    return badge_of(authorization), Party.of(token["country_code"], token["party_id"])


def note_of(session_id: str, authorization: Authorization) -> str:
    """Return what a charge carries, so that whoever finds it knows whose it is."""
    return json.dumps(
        {
            "session": session_id,
            "token": authorization.token,
            "method": authorization.method,
            "reference": authorization.reference,
            "unbilled": authorization.unbilled,
        }
    )


def authorization_of(note: str) -> Authorization | None:
    """Return what a note says; None: it is not one of ours."""
    try:
        read: Any = json.loads(note)
        return Authorization(
            token=read["token"], method=read["method"], reference=read["reference"], unbilled=read["unbilled"]
        )
    except (ValueError, KeyError, TypeError):
        return None


def amps_of(profile: JSONObject) -> float | None:
    """Return a profile as one current per phase, never more than it says; None: it is more than one current."""
    periods = profile.get("charging_profile_period") or []
    if len(periods) != 1 or periods[0]["start_period"] != 0 or profile.get("duration") is not None:
        return None
    if profile.get("start_date_time") is not None:
        return None
    limit = float(periods[0]["limit"])
    amps = limit if profile["charging_rate_unit"] == "A" else limit / VOLTS / PHASES
    return int(amps * _AMPS_STEP) / _AMPS_STEP


def most_amps(outlet: Outlet) -> float:
    """Return the most an outlet gives, in A per phase."""
    return round(outlet.power * 1000 / VOLTS / PHASES, 1)


def profile_of(amps: float, duration: int, now: datetime.datetime) -> JSONObject:
    """Return a limit that stays as it is as an ActiveChargingProfile."""
    return {
        "start_date_time": date_time(now),
        "charging_profile": {
            "charging_rate_unit": "A",
            "duration": duration,
            "charging_profile_period": [{"start_period": 0, "limit": amps}],
        },
    }


def moment_of(milliseconds: int) -> datetime.datetime:
    """Return a moment of theirs, in ms since 1970."""
    return datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.UTC)
