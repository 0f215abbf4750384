"""A station that speaks OCPP 2.0.1: what it answers; ``v201_device.py`` answers for the
device model, ``v201_charging.py`` for charging profiles.

Source: OCPP 2.0.1 edition 3, part 2.
"""

from typing import TYPE_CHECKING, Any

from ocpp.v201 import call
from ocpp.v201 import call_result as result

from hub.ocpp.simulation.clock import moment
from hub.ocpp.simulation.connector import Connector, Reservation
from hub.ocpp.simulation.v201_charging import profile_of
from hub.ocpp.simulation.voice import JSON
from hub.ocpp.words import IdToken, TokenInfo

if TYPE_CHECKING:
    from hub.ocpp.simulation.station import Station


class Answers201:
    """The answers of one station; ``on_reset`` answers Reset, and so on."""

    def __init__(self, station: "Station") -> None:
        self._station = station

    def _connector(self, evse_id: int | None) -> Connector | None:
        found = self._station.connectors
        return found[evse_id - 1] if evse_id and 0 < evse_id <= len(found) else None

    # -- remote control ----------------------------------------------------------------------------

    def on_request_start_transaction(
        self,
        id_token: JSON,
        remote_start_id: int,
        evse_id: int | None = None,
        group_id_token: JSON = None,
        charging_profile: JSON = None,
        **_: Any,
    ) -> Any:
        """Answer whether an EVSE will charge for a token; a transaction that waits for it is named."""
        connector = self._connector(evse_id)
        profile = profile_of(charging_profile) if charging_profile else None
        if (evse_id and connector is None) or (profile is not None and profile.purpose != "TxProfile"):
            return result.RequestStartTransaction(status="Rejected")
        taken = self._station.charging.remote_start(
            connector,
            _token(id_token),
            group=group_id_token["id_token"] if group_id_token else None,
            remote_start_id=remote_start_id,
            profile=profile,
        )
        if taken is None:
            return result.RequestStartTransaction(status="Rejected")
        waiting = taken.transaction.number if taken.transaction is not None else None
        return result.RequestStartTransaction(status="Accepted", transaction_id=waiting)

    def on_request_stop_transaction(self, transaction_id: str, **_: Any) -> Any:
        """Answer whether a transaction runs here."""
        stops = self._station.charging.remote_stop(transaction_id)
        return result.RequestStopTransaction(status="Accepted" if stops else "Rejected")

    def on_unlock_connector(self, evse_id: int, connector_id: int, **_: Any) -> Any:
        """Unlock, unless an authorized transaction runs (F05.FR.02)."""
        connector = self._connector(evse_id)
        if connector is None or connector_id != 1:
            return result.UnlockConnector(status="UnknownConnector")
        if connector.transaction is not None and connector.transaction.token is not None:
            return result.UnlockConnector(status="OngoingAuthorizedTransaction")
        failed = connector.error_code == "ConnectorLockFailure"
        return result.UnlockConnector(status="UnlockFailed" if failed else "Unlocked")

    def on_reset(self, type: str, evse_id: int | None = None, **_: Any) -> Any:  # noqa: A002 -- OCPP's word
        """Reset at once, or when nothing runs; of one EVSE only what runs there ends."""
        if evse_id and self._connector(evse_id) is None:
            return result.Reset(status="Rejected")
        idle = all(each.transaction is None for each in self._station.connectors)
        if type == "OnIdle" and not idle:
            self._station.follow(self._reset_when_idle())
            return result.Reset(status="Scheduled")
        connector = self._connector(evse_id)
        if connector is not None:
            self._station.charging.stop(connector, "ImmediateReset", "ResetCommand")
        else:
            # The ends of transactions are told before the station leaves (B12.FR.03).
            self._station.follow(self._station.reset(hard=False, reason="ImmediateReset"))
        return result.Reset(status="Accepted")

    async def _reset_when_idle(self) -> None:
        await self._station.until_idle()
        await self._station.restart("ScheduledReset")

    def on_change_availability(self, operational_status: str, evse: JSON = None, **_: Any) -> Any:
        """Put an EVSE, or all, in or out of operation."""
        one = self._connector(evse["id"]) if evse else None
        if evse and one is None:
            return result.ChangeAvailability(status="Rejected")
        connectors = [one] if one else self._station.connectors
        status = self._station.charging.availability(connectors, operative=operational_status == "Operative")
        return result.ChangeAvailability(status=status)

    def on_trigger_message(self, requested_message: str, evse: JSON = None, **_: Any) -> Any:
        """Send a message of its own accord."""
        one = self._connector(evse["id"]) if evse else None
        if evse and one is None:
            return result.TriggerMessage(status="Rejected")
        status = self._station.triggers.send(requested_message, [one] if one else self._station.connectors)
        return result.TriggerMessage(status=status)

    def on_get_transaction_status(self, transaction_id: str | None = None, **_: Any) -> Any:
        """Tell whether a transaction goes on, and whether messages wait."""
        queue = self._station.queue
        if transaction_id is None:
            return result.GetTransactionStatus(messages_in_queue=len(queue) > 0)
        goes_on = self._station.charging.running(transaction_id) is not None
        return result.GetTransactionStatus(messages_in_queue=queue.holds(transaction_id), ongoing_indicator=goes_on)

    def on_cost_updated(self, total_cost: float, transaction_id: str, **_: Any) -> Any:
        """Show what a transaction costs so far."""
        self._station.shown[-1] = {"content": f"{total_cost:.2f}", "transaction_id": transaction_id}
        return result.CostUpdated()

    def on_data_transfer(self, vendor_id: str, **_: Any) -> Any:
        """Know no vendor's messages."""
        return result.DataTransfer(status="UnknownMessageId" if vendor_id == "emall" else "UnknownVendorId")

    # -- reservation -------------------------------------------------------------------------------

    def on_reserve_now(
        self,
        id: int,  # noqa: A002 -- OCPP's word
        expiry_date_time: str,
        id_token: JSON,
        evse_id: int | None = None,
        group_id_token: JSON = None,
        **_: Any,
    ) -> Any:
        """Keep an EVSE, or any, for a token."""
        reservation = Reservation(
            id=id,
            evse_id=evse_id or 0,
            token=_token(id_token),
            group=group_id_token["id_token"] if group_id_token else None,
            expires_at=moment(expiry_date_time),
        )
        return result.ReserveNow(status=self._station.charging.reservations.reserve(reservation))

    def on_cancel_reservation(self, reservation_id: int, **_: Any) -> Any:
        """Let an EVSE go."""
        gone = self._station.charging.reservations.cancel(reservation_id)
        return result.CancelReservation(status="Accepted" if gone else "Rejected")

    # -- authorization -----------------------------------------------------------------------------

    def on_clear_cache(self, **_: Any) -> Any:
        """Forget the cache."""
        if not self._station.configuration.on("AuthorizationCacheEnabled"):
            return result.ClearCache(status="Rejected")
        self._station.tokens.cached.clear()
        return result.ClearCache(status="Accepted")

    def on_get_local_list_version(self, **_: Any) -> Any:
        """Tell the list's version; 0: there is none."""
        return result.GetLocalListVersion(version_number=self._station.tokens.version)

    def on_send_local_list(
        self, version_number: int, update_type: str, local_authorization_list: list[JSON] | None = None, **_: Any
    ) -> Any:
        """Take a list, or differences to the one there is."""
        tokens = self._station.tokens
        if not self._station.configuration.on("LocalAuthListEnabled"):
            return result.SendLocalList(status="Failed")
        entries = {
            each["id_token"]["id_token"]: _entry(each.get("id_token_info")) for each in local_authorization_list or []
        }
        if update_type == "Full":
            tokens.replace(version_number, entries)
        elif version_number <= tokens.version:
            return result.SendLocalList(status="VersionMismatch")
        else:
            tokens.change(version_number, entries)
        return result.SendLocalList(status="Accepted")

    # -- firmware and logs -------------------------------------------------------------------------

    def on_update_firmware(self, request_id: int, firmware: JSON, **_: Any) -> Any:
        """Fetch, check if it is signed, and install."""
        replaces = self._station.maintenance.update(
            firmware["location"],
            moment(firmware["retrieve_date_time"]),
            request_id,
            signed="signature" in firmware,
        )
        return result.UpdateFirmware(status="AcceptedCanceled" if replaces else "Accepted")

    def on_get_log(self, log: JSON, log_type: str, request_id: int, **_: Any) -> Any:
        """Upload a log."""
        replaces = self._station.maintenance.upload(log["remote_location"], request_id)
        name = f"{self._station.id}-{log_type}.log"
        return result.GetLog(status="AcceptedCanceled" if replaces else "Accepted", filename=name)

    # -- certificates ------------------------------------------------------------------------------

    def on_install_certificate(self, certificate_type: str, certificate: str, **_: Any) -> Any:
        """Install a root."""
        installed = self._station.certificates.install(certificate_type, certificate)
        return result.InstallCertificate(status="Accepted" if installed else "Rejected")

    def on_delete_certificate(self, certificate_hash_data: JSON, **_: Any) -> Any:
        """Remove a root."""
        deleted = self._station.certificates.delete(certificate_hash_data)
        return result.DeleteCertificate(status="Accepted" if deleted else "NotFound")

    def on_get_installed_certificate_ids(self, certificate_type: list[str] | None = None, **_: Any) -> Any:
        """Tell the roots of some uses."""
        found = [
            {"certificate_type": each.use.replace("Certificate", "") + "Certificate",
             "certificate_hash_data": each.hash_data}
            for each in self._station.certificates.of(certificate_type)
        ]  # fmt: skip
        return result.GetInstalledCertificateIds(
            status="Accepted" if found else "NotFound", certificate_hash_data_chain=found or None
        )

    def on_certificate_signed(self, certificate_chain: str, **_: Any) -> Any:
        """Take the station's own certificate."""
        taken = self._station.certificates.accept(certificate_chain)
        return result.CertificateSigned(status="Accepted" if taken else "Rejected")

    # -- display -----------------------------------------------------------------------------------

    def on_set_display_message(self, message: JSON, **_: Any) -> Any:
        """Show a message; the same id takes the former one's place."""
        transaction_id = message.get("transaction_id")
        if transaction_id is not None and self._station.charging.running(transaction_id) is None:
            return result.SetDisplayMessage(status="UnknownTransaction")
        self._station.shown[message["id"]] = message
        return result.SetDisplayMessage(status="Accepted")

    def on_get_display_messages(
        self,
        request_id: int,
        id: list[int] | None = None,  # noqa: A002 -- OCPP's word
        priority: str | None = None,
        state: str | None = None,
        **_: Any,
    ) -> Any:
        """Report what is shown."""
        messages = [
            each
            for number, each in self._station.shown.items()
            if number >= 0
            and (id is None or number in id)
            and priority in (None, each.get("priority"))
            and state in (None, each.get("state"))
        ]
        if not messages:
            return result.GetDisplayMessages(status="Unknown")
        request = call.NotifyDisplayMessages(request_id=request_id, message_info=messages, tbc=False)

        async def report() -> None:
            self._station.notice(lambda: self._station.link.call(request))

        self._station.follow(report())
        return result.GetDisplayMessages(status="Accepted")

    def on_clear_display_message(self, id: int, **_: Any) -> Any:  # noqa: A002 -- OCPP's word
        """Show a message no more."""
        gone = self._station.shown.pop(id, None) is not None
        return result.ClearDisplayMessage(status="Accepted" if gone else "Unknown")


def _token(given: JSON) -> IdToken:
    additional = given.get("additional_info") or []
    return IdToken(
        id_token=given["id_token"],
        type=given["type"],
        additional=tuple((each["additional_id_token"], each["type"]) for each in additional),
    )


def _entry(info: JSON) -> TokenInfo | None:
    if info is None:
        return None
    expires, group = info.get("cache_expiry_date_time"), info.get("group_id_token")
    return TokenInfo(
        status=info["status"],
        expires_at=moment(expires) if expires else None,
        group_id_token=group["id_token"] if group else None,
    )
