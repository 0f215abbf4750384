"""A station that speaks OCPP 1.6: what it answers.

Source: OCPP 1.6 edition 2, 5 and 6; OCPP 1.6 security whitepaper edition 3.
"""

import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ocpp.v16 import call_result as result

from hub.ocpp.simulation.clock import moment, timestamp
from hub.ocpp.simulation.connector import Connector, Reservation
from hub.ocpp.simulation.profiles import VOLTS
from hub.ocpp.simulation.voice import JSON
from hub.ocpp.words import ChargingProfile, IdToken, SchedulePeriod, TokenInfo

if TYPE_CHECKING:
    from hub.ocpp.simulation.station import Station

#: Purposes have other names in 2.0.1, whose words the stations think in.
_PURPOSES = {"ChargePointMaxProfile": "ChargingStationMaxProfile"}


class Answers16:
    """The answers of one station; ``on_reset`` answers Reset, and so on."""

    def __init__(self, station: "Station") -> None:
        self._station = station

    def _connector(self, number: int | None) -> Connector | None:
        found = self._station.connectors
        return found[number - 1] if number and 0 < number <= len(found) else None

    # -- core --------------------------------------------------------------------------------------

    def on_remote_start_transaction(
        self, id_tag: str, connector_id: int | None = None, charging_profile: JSON = None
    ) -> Any:
        """Answer whether a connector will charge for a token."""
        connector = self._connector(connector_id)
        profile = _profile(charging_profile) if charging_profile else None
        unknown = connector_id is not None and connector is None
        # OCPP 1.6, 5.11: only a TxProfile may come with it.
        if unknown or (profile is not None and profile.purpose != "TxProfile"):
            return result.RemoteStartTransaction(status="Rejected")
        taken = self._station.charging.remote_start(
            connector, IdToken(id_token=id_tag), remote_start_id=0, profile=profile
        )
        return result.RemoteStartTransaction(status="Accepted" if taken else "Rejected")

    def on_remote_stop_transaction(self, transaction_id: int) -> Any:
        """Answer whether a transaction runs here."""
        stops = self._station.charging.remote_stop(str(transaction_id))
        return result.RemoteStopTransaction(status="Accepted" if stops else "Rejected")

    def on_unlock_connector(self, connector_id: int) -> Any:
        """Unlock; a transaction there is ended first (OCPP 1.6, 5.18)."""
        connector = self._connector(connector_id)
        if connector is None:
            return result.UnlockConnector(status="NotSupported")
        if connector.error_code == "ConnectorLockFailure":
            return result.UnlockConnector(status="UnlockFailed")
        self._station.charging.stop(connector, "UnlockCommand", "UnlockCommand")
        return result.UnlockConnector(status="Unlocked")

    def on_reset(self, type: str) -> Any:  # noqa: A002 -- OCPP's word
        """Reset after the answer."""
        hard = type == "Hard"
        self._station.follow(self._station.reset(hard=hard, reason=f"{type}Reset"))
        return result.Reset(status="Accepted")

    def on_change_availability(self, connector_id: int, type: str) -> Any:  # noqa: A002 -- OCPP's word
        """Put a connector, or with 0 all, in or out of operation."""
        one = self._connector(connector_id)
        if connector_id and one is None:
            return result.ChangeAvailability(status="Rejected")
        connectors = [one] if one else self._station.connectors
        status = self._station.charging.availability(connectors, operative=type == "Operative")
        return result.ChangeAvailability(status=status)

    def on_change_configuration(self, key: str, value: str) -> Any:
        """Change a setting; another AuthorizationKey has the station connect again with it."""
        setting = self._station.configuration.key(key)
        if setting is None:
            return result.ChangeConfiguration(status="NotSupported")
        if setting.readonly or not setting.fits(value):
            return result.ChangeConfiguration(status="Rejected")
        if setting.secret:
            return self._new_password(value)
        setting.value = value
        return result.ChangeConfiguration(status="RebootRequired" if setting.reboot else "Accepted")

    def _new_password(self, value: str) -> Any:
        # Whitepaper 2.5: it comes in hexadecimal, 16 to 40 bytes; many send the text itself, which is taken too.
        try:
            password = bytes.fromhex(value).decode()
        except ValueError:
            password = value
        if len(password) < 8:
            return result.ChangeConfiguration(status="Rejected")
        self._station.new_password(password)
        return result.ChangeConfiguration(status="Accepted")

    def on_get_configuration(self, key: list[str] | None = None) -> Any:
        """Tell settings; a secret one is told without its value."""
        configuration = self._station.configuration
        names = key or [each.key for each in configuration.settings if each.key]
        known = [(name, configuration.key(name)) for name in names]
        told = [
            {"key": each.key, "readonly": each.readonly} | ({} if each.secret else {"value": each.value})
            for _, each in known
            if each is not None
        ]
        return result.GetConfiguration(
            configuration_key=told or None, unknown_key=[name for name, each in known if each is None] or None
        )

    def on_clear_cache(self) -> Any:
        """Forget the cache."""
        self._station.tokens.cached.clear()
        return result.ClearCache(status="Accepted")

    def on_data_transfer(self, vendor_id: str, message_id: str | None = None, data: str | None = None) -> Any:
        """Take messages of the vendor emall; what is shown on the display comes this way (no message of 1.6 does)."""
        if vendor_id != "emall":
            return result.DataTransfer(status="UnknownVendorId")
        if message_id != "DisplayMessage":
            return result.DataTransfer(status="UnknownMessageId")
        self._station.shown[0] = {"content": data or ""}
        return result.DataTransfer(status="Accepted", data=data)

    # -- local list --------------------------------------------------------------------------------

    def on_get_local_list_version(self) -> Any:
        """Tell the list's version; -1: the list is not used (OCPP 1.6, 5.10)."""
        enabled = self._station.configuration.on("LocalAuthListEnabled")
        return result.GetLocalListVersion(list_version=self._station.tokens.version if enabled else -1)

    def on_send_local_list(
        self, list_version: int, update_type: str, local_authorization_list: list[JSON] | None = None
    ) -> Any:
        """Take a list, or differences to the one there is."""
        tokens = self._station.tokens
        if not self._station.configuration.on("LocalAuthListEnabled"):
            return result.SendLocalList(status="NotSupported")
        entries = {each["id_tag"]: _entry(each.get("id_tag_info")) for each in local_authorization_list or []}
        if update_type == "Full":
            tokens.replace(list_version, entries)
        elif list_version <= tokens.version:
            return result.SendLocalList(status="VersionMismatch")
        else:
            tokens.change(list_version, entries)
        return result.SendLocalList(status="Accepted")

    # -- reservation -------------------------------------------------------------------------------

    def on_reserve_now(
        self, connector_id: int, expiry_date: str, id_tag: str, reservation_id: int, parent_id_tag: str | None = None
    ) -> Any:
        """Keep a connector for a token."""
        reservation = Reservation(
            id=reservation_id,
            evse_id=connector_id,
            token=IdToken(id_token=id_tag),
            group=parent_id_tag,
            expires_at=moment(expiry_date),
        )
        return result.ReserveNow(status=self._station.charging.reservations.reserve(reservation))

    def on_cancel_reservation(self, reservation_id: int) -> Any:
        """Let a connector go."""
        gone = self._station.charging.reservations.cancel(reservation_id)
        return result.CancelReservation(status="Accepted" if gone else "Rejected")

    # -- smart charging ----------------------------------------------------------------------------

    def on_set_charging_profile(self, connector_id: int, cs_charging_profiles: JSON) -> Any:
        """Install a profile; a TxProfile without a running transaction is rejected (OCPP 1.6, 5.16)."""
        profile, connector = _profile(cs_charging_profiles), self._connector(connector_id)
        if (connector_id and connector is None) or (
            profile.purpose == "ChargingStationMaxProfile" and connector_id != 0
        ):
            return result.SetChargingProfile(status="Rejected")
        if profile.purpose == "TxProfile":
            running = connector.transaction if connector is not None else None
            if running is None or running.id is None or profile.transaction_id not in (None, running.id):
                return result.SetChargingProfile(status="Rejected")
            profile = _profile(cs_charging_profiles | {"transaction_id": running.id})
        self._station.profiles.put(connector_id, profile, self._station.now())
        return result.SetChargingProfile(status="Accepted")

    def on_clear_charging_profile(
        self,
        id: int | None = None,  # noqa: A002 -- OCPP's word
        connector_id: int | None = None,
        charging_profile_purpose: str | None = None,
        stack_level: int | None = None,
    ) -> Any:
        """Remove profiles."""
        purpose = _PURPOSES.get(charging_profile_purpose or "", charging_profile_purpose)
        cleared = self._station.profiles.clear(
            profile_id=id, evse_id=connector_id, purpose=purpose, stack_level=stack_level
        )
        return result.ClearChargingProfile(status="Accepted" if cleared else "Unknown")

    def on_get_composite_schedule(self, connector_id: int, duration: int, charging_rate_unit: str | None = None) -> Any:
        """Tell what limits hold for the next while."""
        connector = self._connector(connector_id)
        if connector is None:
            return result.GetCompositeSchedule(status="Rejected")
        now = self._station.now()
        unit = charging_rate_unit or "W"
        divisor = 1 if unit == "W" else VOLTS * connector.phases
        periods = self._station.profiles.composite(
            self._station.charging.asked(connector), now, duration, connector.max_power
        )
        return result.GetCompositeSchedule(
            status="Accepted",
            connector_id=connector_id,
            schedule_start=timestamp(now),
            charging_schedule={
                "duration": duration,
                "charging_rate_unit": unit,
                "charging_schedule_period": [
                    {"start_period": each.start, "limit": float(round(each.limit / divisor, 1))} for each in periods
                ],
            },
        )

    # -- firmware, diagnostics, triggers -----------------------------------------------------------

    def on_update_firmware(self, location: str, retrieve_date: str, **_: Any) -> Any:
        """Fetch and install."""
        self._station.maintenance.update(location, moment(retrieve_date))
        return result.UpdateFirmware()

    def on_signed_update_firmware(self, request_id: int, firmware: JSON, **_: Any) -> Any:
        """Fetch, check and install."""
        at = moment(firmware["retrieve_date_time"])
        replaces = self._station.maintenance.update(firmware["location"], at, request_id, signed=True)
        return result.SignedUpdateFirmware(status="AcceptedCanceled" if replaces else "Accepted")

    def on_get_diagnostics(self, location: str, **_: Any) -> Any:
        """Upload diagnostics."""
        self._station.maintenance.upload(location)
        return result.GetDiagnostics(file_name=f"{self._station.id}-diagnostics.log")

    def on_get_log(self, log: JSON, log_type: str, request_id: int, **_: Any) -> Any:
        """Upload a log."""
        replaces = self._station.maintenance.upload(log["remote_location"], request_id)
        return result.GetLog(
            status="AcceptedCanceled" if replaces else "Accepted", filename=f"{self._station.id}-{log_type}.log"
        )

    def on_trigger_message(self, requested_message: str, connector_id: int | None = None) -> Any:
        """Send a message of its own accord."""
        return result.TriggerMessage(status=self._trigger(requested_message, connector_id))

    def on_extended_trigger_message(self, requested_message: str, connector_id: int | None = None) -> Any:
        """Send a message of its own accord (whitepaper)."""
        return result.ExtendedTriggerMessage(status=self._trigger(requested_message, connector_id))

    def _trigger(self, message: str, connector_id: int | None) -> str:
        connector = self._connector(connector_id)
        if connector_id and connector is None:
            return "Rejected"
        return self._station.triggers.send(message, [connector] if connector else self._station.connectors)

    # -- certificates ------------------------------------------------------------------------------

    def on_install_certificate(self, certificate_type: str, certificate: str) -> Any:
        """Install a root."""
        installed = self._station.certificates.install(certificate_type, certificate)
        return result.InstallCertificate(status="Accepted" if installed else "Rejected")

    def on_delete_certificate(self, certificate_hash_data: JSON) -> Any:
        """Remove a root."""
        deleted = self._station.certificates.delete(certificate_hash_data)
        return result.DeleteCertificate(status="Accepted" if deleted else "NotFound")

    def on_get_installed_certificate_ids(self, certificate_type: str) -> Any:
        """Tell the roots of one use."""
        found = [each.hash_data for each in self._station.certificates.of([certificate_type])]
        return result.GetInstalledCertificateIds(
            status="Accepted" if found else "NotFound", certificate_hash_data=found or None
        )

    def on_certificate_signed(self, certificate_chain: str) -> Any:
        """Take the station's own certificate."""
        taken = self._station.certificates.accept(certificate_chain)
        return result.CertificateSigned(status="Accepted" if taken else "Rejected")


def _entry(info: JSON) -> TokenInfo | None:
    if info is None:
        return None
    expires = info.get("expiry_date")
    return TokenInfo(
        status=info["status"],
        expires_at=moment(expires) if expires else None,
        group_id_token=info.get("parent_id_tag"),
    )


def _profile(given: JSON) -> ChargingProfile:
    """Return a profile of 1.6 in the words both versions share."""
    schedule = given["charging_schedule"]
    transaction_id = given.get("transaction_id")
    return ChargingProfile(
        id=given["charging_profile_id"],
        stack_level=given["stack_level"],
        purpose=_PURPOSES.get(given["charging_profile_purpose"], given["charging_profile_purpose"]),
        kind=given["charging_profile_kind"],
        recurrency=given.get("recurrency_kind"),
        valid_from=_moment(given.get("valid_from")),
        valid_to=_moment(given.get("valid_to")),
        transaction_id=str(transaction_id) if transaction_id is not None else None,
        unit=schedule["charging_rate_unit"],
        duration=schedule.get("duration"),
        start_at=_moment(schedule.get("start_schedule")),
        min_charging_rate=_decimal(schedule.get("min_charging_rate")),
        periods=tuple(
            SchedulePeriod(
                start=each["start_period"], limit=Decimal(str(each["limit"])), phases=each.get("number_phases")
            )
            for each in schedule["charging_schedule_period"]
        ),
    )


def _moment(text: str | None) -> datetime.datetime | None:
    return moment(text) if text else None


def _decimal(value: Any) -> Decimal | None:
    return Decimal(str(value)) if value is not None else None
