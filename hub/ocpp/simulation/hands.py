"""Somebody at the simulated stations: what he does there is a line of words, what comes of it a line of JSON.

::

    plug AC0001                     the cable goes into connector 1
    plug AC0001 2 soc=80            into connector 2, of a car whose battery is at 80 percent (battery=40000 in Wh)
    present AC0001 CARD-1           a card is held to the reader; the answer says how it was judged
    unplug AC0001
    fail AC0001 1 OverTemperature   connector 1 breaks; mend AC0001 repairs it
    lose AC0001                     its network fails until restore AC0001; power-loss until power-return
    show AC0001                     what can be seen from outside
"""

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

from ocpp.v16.enums import ChargePointErrorCode

from hub.ocpp.simulation.car import CAR_POWER, Car
from hub.ocpp.simulation.station import Station


class Clumsy(Exception):
    """What cannot be done there; the message says why."""


class Hands:
    """They reach every station of a fleet."""

    def __init__(self, stations: Iterable[Station]) -> None:
        self._stations: Mapping[str, Station] = {each.id: each for each in stations}
        self._able = {
            "plug": self._plug,
            "unplug": self._unplug,
            "present": self._present,
            "fail": self._fail,
            "mend": self._mend,
            "lose": self._lose,
            "restore": self._restore,
            "power-loss": self._power_loss,
            "power-return": self._power_return,
            "show": self._show,
        }

    async def do(self, line: str) -> dict[str, Any]:
        """Do what a line says; return how the connector is then, or ``{"error": why not}``."""
        words = line.split()
        try:
            return await self._done(words)
        except (Clumsy, ValueError) as error:
            return {"error": str(error)}

    async def _done(self, words: list[str]) -> dict[str, Any]:
        if not words or words[0] not in self._able:
            raise Clumsy(f"{' '.join(words)!r}: say one of {', '.join(self._able)}, and a station")
        station = self._stations.get(words[1] if len(words) > 1 else "")
        if station is None:
            raise Clumsy(f"{' '.join(words)!r}: name a station from {min(self._stations)} to {max(self._stations)}")
        rest = words[2:]
        number = int(rest.pop(0)) if rest and rest[0].isdigit() and len(rest[0]) < 4 else 1
        if not 1 <= number <= len(station.connectors):
            raise Clumsy(f"{station.id} has connectors 1 to {len(station.connectors)}")
        told = self._able[words[0]](station, number, rest)
        more = await told if inspect.isawaitable(told) else told
        return _seen(station, number) | (more or {})

    # -- what they do ------------------------------------------------------------------------------

    def _plug(self, station: Station, number: int, rest: list[str]) -> None:
        car = Car(max_power=CAR_POWER * station.speed)
        for name, _, value in (each.partition("=") for each in rest):
            if name not in ("soc", "battery"):
                raise Clumsy(f"{name!r} is nothing of a car; say soc= or battery=")
            setattr(car, name, float(value))
        station.plug(number, car)

    def _unplug(self, station: Station, number: int, rest: list[str]) -> None:
        station.unplug(number)

    async def _present(self, station: Station, number: int, rest: list[str]) -> dict[str, Any]:
        if not rest:
            raise Clumsy("no card is in the hand; say present STATION CARD")
        judged = await station.present(rest[0], number)
        return {"card": judged.status, "message": judged.message}

    def _fail(self, station: Station, number: int, rest: list[str]) -> None:
        code = rest[0] if rest else "GroundFailure"
        if code not in set(ChargePointErrorCode) - {"NoError"}:
            raise Clumsy(f"{code!r} is no error code of OCPP 1.6")
        station.charging.fail(station.connector(number), code)

    def _mend(self, station: Station, number: int, rest: list[str]) -> None:
        station.charging.mend(station.connector(number))

    def _lose(self, station: Station, number: int, rest: list[str]) -> None:
        station.lose_link()

    def _restore(self, station: Station, number: int, rest: list[str]) -> None:
        station.restore_link()

    def _power_loss(self, station: Station, number: int, rest: list[str]) -> None:
        station.power_loss()

    def _power_return(self, station: Station, number: int, rest: list[str]) -> None:
        station.power_return()

    def _show(self, station: Station, number: int, rest: list[str]) -> None:
        """Nothing is touched."""


def _seen(station: Station, number: int) -> dict[str, Any]:
    """Return a connector as it is: meter in Wh, power in W, the most it offers in W, its car's charge in percent."""
    connector = station.connector(number)
    meter, soc = station.meter(number), station.soc(number)
    return {
        "station": station.id, "connector": number, "registered": station.registered, "status": connector.status,
        "meter": meter, "power": round(connector.power), "offered": round(connector.offered),
        "soc": None if soc is None else round(soc, 2), "untold": len(station.queue),
    }  # fmt: skip
