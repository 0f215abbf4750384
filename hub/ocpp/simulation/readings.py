"""What a meter shows at a moment, by measurand."""

from collections.abc import Iterable, Iterator

from hub.ocpp.simulation.connector import Connector
from hub.ocpp.simulation.profiles import VOLTS

#: Measurand, value, unit.
Reading = tuple[str, float, str]


def readings(connector: Connector, measurands: Iterable[str]) -> Iterator[Reading]:
    """Yield a value for each measurand the station has a meter for."""
    power = connector.power
    values: dict[str, Reading] = {
        each[0]: each
        for each in (
            ("Energy.Active.Import.Register", float(connector.meter.register), "Wh"),
            ("Power.Active.Import", round(power, 1), "W"),
            ("Power.Offered", round(connector.offered, 1), "W"),
            ("Current.Import", round(power / VOLTS / connector.phases, 2), "A"),
            ("Current.Offered", round(connector.offered / VOLTS / connector.phases, 2), "A"),
            ("Voltage", float(VOLTS), "V"),
        )
    }
    if connector.car is not None:
        values["SoC"] = ("SoC", round(connector.car.soc, 1), "Percent")
    for name in measurands:
        if name in values:
            yield values[name]
