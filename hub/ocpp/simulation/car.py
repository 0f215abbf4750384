"""A car at a connector: what its battery takes, and how the station's meter counts it."""

from dataclasses import dataclass

CAR_POWER = 50_000.0  # W
FULL_POWER_UNTIL = 80.0  # percent
_LEAST_SHARE = 0.1  # of the full power, just before the battery is full
_STEP = 30.0  # seconds of one step of integration: the taper is a curve


@dataclass
class Car:
    """A battery and its charger.

    Attributes:
        battery: in Wh.
        soc: state of charge, in percent.
        max_power: what it takes at most, in W.
        phases: it loads at AC.
        paused: the driver, or the car, wants no energy now.
    """

    battery: float = 60_000.0
    soc: float = 20.0
    max_power: float = CAR_POWER
    phases: int = 3
    paused: bool = False

    @property
    def full(self) -> bool:
        """Whether nothing goes in any more."""
        return self.soc >= 100.0

    def takes(self, offered: float) -> float:
        """Return the power it draws of what it is offered, in W; above 80 % it is ever less."""
        if self.full or self.paused or offered <= 0:
            return 0.0
        share = min(1.0, (100.0 - self.soc) / (100.0 - FULL_POWER_UNTIL))
        return min(offered, self.max_power * max(_LEAST_SHARE, share))

    def charge(self, offered: float, seconds: float) -> float:
        """Take energy for a while and return how much, in Wh."""
        taken = 0.0
        while seconds > 0 and (power := self.takes(offered)) > 0:
            step = min(seconds, _STEP)
            energy = min(power * step / 3600, self.battery * (100.0 - self.soc) / 100)
            self.soc = min(100.0, self.soc + energy / self.battery * 100)
            # What is missing to 100 is smaller than any meter shows; a sum of floats never reaches it.
            self.soc = 100.0 if self.soc > 99.999 else self.soc
            taken += energy
            seconds -= step
        return taken


@dataclass
class Meter:
    """The energy register of one connector.

    Attributes:
        energy: counted since it was built in, in Wh.
        digits: how far the register counts before it begins at 0 again: 10 ** digits Wh; None: for ever.
    """

    energy: float = 0.0
    digits: int | None = None

    @property
    def register(self) -> int:
        """What the meter shows, in whole Wh."""
        shown = int(self.energy)
        return shown if self.digits is None else shown % 10**self.digits
