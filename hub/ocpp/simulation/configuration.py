"""The settings of a station: one table under the names of both versions.

1.6 calls a setting by a key, 2.0.1 by a component and a variable; what the station does by it is the
same. A setting with one name only exists in that version alone.

Source: OCPP 1.6 edition 2, 9 Standard Configuration Key Names; OCPP 1.6 security whitepaper, 2.5;
OCPP 2.0.1 edition 3, part 2 appendices, Referenced Components and Variables.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["integer", "boolean", "string"]


@dataclass
class Setting:
    """One setting.

    Attributes:
        key: its name in 1.6; empty: 1.6 has none.
        component, variable: its name in 2.0.1; empty: 2.0.1 has none.
        secret: it can be written and not read.
        reboot: it takes effect after a reset.
    """

    key: str
    component: str
    variable: str
    value: str
    kind: Kind = "string"
    readonly: bool = False
    secret: bool = False
    reboot: bool = False

    def fits(self, value: str) -> bool:
        """Whether a value is of the setting's kind."""
        if self.kind == "integer":
            return value.isascii() and value.isdigit()
        if self.kind == "boolean":
            return value.lower() in ("true", "false")
        return True


def _settings() -> Iterator[Setting]:
    number: Kind = "integer"
    switch: Kind = "boolean"
    rows: list[tuple[str, str, str, str, Kind]] = [
        ("HeartbeatInterval", "OCPPCommCtrlr", "HeartbeatInterval", "300", number),
        ("ConnectionTimeOut", "TxCtrlr", "EVConnectionTimeOut", "60", number),
        ("MeterValueSampleInterval", "SampledDataCtrlr", "TxUpdatedInterval", "60", number),
        ("ClockAlignedDataInterval", "AlignedDataCtrlr", "Interval", "0", number),
        ("StopTransactionOnEVSideDisconnect", "TxCtrlr", "StopTxOnEVSideDisconnect", "true", switch),
        ("StopTransactionOnInvalidId", "TxCtrlr", "StopTxOnInvalidId", "true", switch),
        ("LocalPreAuthorize", "AuthCtrlr", "LocalPreAuthorize", "false", switch),
        ("LocalAuthorizeOffline", "AuthCtrlr", "LocalAuthorizeOffline", "true", switch),
        ("AllowOfflineTxForUnknownId", "AuthCtrlr", "OfflineTxForUnknownIdEnabled", "false", switch),
        ("AuthorizeRemoteTxRequests", "AuthCtrlr", "AuthorizeRemoteStart", "false", switch),
        ("LocalAuthListEnabled", "LocalAuthListCtrlr", "Enabled", "true", switch),
        ("AuthorizationCacheEnabled", "AuthCacheCtrlr", "Enabled", "true", switch),
        ("TransactionMessageAttempts", "OCPPCommCtrlr", "MessageAttempts", "3", number),
        ("TransactionMessageRetryInterval", "OCPPCommCtrlr", "MessageAttemptInterval", "10", number),
        ("WebSocketPingInterval", "OCPPCommCtrlr", "WebSocketPingInterval", "30", number),
        ("UnlockConnectorOnEVSideDisconnect", "OCPPCommCtrlr", "UnlockOnEVSideDisconnect", "true", switch),
        ("ResetRetries", "OCPPCommCtrlr", "ResetRetries", "1", number),
        ("CpoName", "SecurityCtrlr", "OrganizationName", "", "string"),
        ("", "TxCtrlr", "TxStartPoint", "PowerPathClosed", "string"),
        ("", "TxCtrlr", "TxStopPoint", "PowerPathClosed", "string"),
        ("MeterValuesSampledData", "SampledDataCtrlr", "TxUpdatedMeasurands", _MEASURANDS, "string"),
        ("MeterValuesAlignedData", "AlignedDataCtrlr", "Measurands", "Energy.Active.Import.Register", "string"),
        ("StopTxnSampledData", "SampledDataCtrlr", "TxEndedMeasurands", "Energy.Active.Import.Register", "string"),
    ]
    for key, component, variable, value, kind in rows:
        yield Setting(key, component, variable, value, kind)
    yield Setting("AuthorizationKey", "SecurityCtrlr", "BasicAuthPassword", "", secret=True)
    yield Setting("SecurityProfile", "SecurityCtrlr", "SecurityProfile", "1", "integer", reboot=True)
    yield from _readonly()


_MEASURANDS = "Energy.Active.Import.Register,Power.Active.Import,Current.Import,SoC"


def _readonly() -> Iterator[Setting]:
    profiles = "Core,FirmwareManagement,LocalAuthListManagement,Reservation,SmartCharging,RemoteTrigger"
    rows = [
        ("NumberOfConnectors", "", "", "1"),
        ("SupportedFeatureProfiles", "", "", profiles),
        ("ChargeProfileMaxStackLevel", "SmartChargingCtrlr", "ProfileStackLevel", "10"),
        ("ChargingScheduleAllowedChargingRateUnit", "SmartChargingCtrlr", "RateUnit", "Current,Power"),
        ("ChargingScheduleMaxPeriods", "SmartChargingCtrlr", "PeriodsPerSchedule", "48"),
        ("MaxChargingProfilesInstalled", "SmartChargingCtrlr", "Entries", "20"),
        ("LocalAuthListMaxLength", "LocalAuthListCtrlr", "Entries", "1000"),
        ("SendLocalListMaxLength", "LocalAuthListCtrlr", "ItemsPerMessage", "100"),
        ("GetConfigurationMaxKeys", "DeviceDataCtrlr", "ItemsPerMessage", "50"),
        ("ReserveConnectorZeroSupported", "ReservationCtrlr", "NonEvseSpecific", "true"),
    ]
    for key, component, variable, value in rows:
        yield Setting(key, component, variable, value, readonly=True)


class Configuration:
    """All settings of one station; read by their key of 1.6, or by their variable where 1.6 has none."""

    def __init__(self, **values: str) -> None:
        self.settings = list(_settings())
        self._named = {each.key or each.variable: each for each in self.settings}
        for name, value in values.items():
            self._named[name].value = value

    def number(self, name: str) -> int:
        return int(self._named[name].value)

    def on(self, name: str) -> bool:
        return self._named[name].value.lower() == "true"

    def text(self, name: str) -> str:
        return self._named[name].value

    def words(self, name: str) -> list[str]:
        return [word.strip() for word in self._named[name].value.split(",") if word.strip()]

    def put(self, name: str, value: str) -> None:
        self._named[name].value = value

    def key(self, key: str) -> Setting | None:
        """Return what 1.6 calls by a key, in any case (a CiString)."""
        return next((each for each in self.settings if each.key and each.key.lower() == key.lower()), None)

    def variable(self, component: str, variable: str) -> Setting | None:
        """Return what 2.0.1 calls by a component and a variable, in any case."""
        wanted = (component.lower(), variable.lower())
        found = (each for each in self.settings if (each.component.lower(), each.variable.lower()) == wanted)
        return next(found, None) if all(wanted) else None

    def has_component(self, component: str) -> bool:
        return any(each.component.lower() == component.lower() for each in self.settings if each.component)
