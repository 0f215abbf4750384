"""What a station of 1.6 can be told.

Source: OCPP 1.6 edition 2, Operations Initiated by Central System.
"""

import datetime
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Literal

from hub.ocpp import locallists
from hub.ocpp.commands import Answer, NotSpoken
from hub.ocpp.sending import Sender, present
from hub.ocpp.times import date_time
from hub.ocpp.v16 import maintenance, payloads, settings
from hub.ocpp.words import (
    EVSE,
    ChargingProfile,
    DataAnswer,
    IdToken,
    JSONObject,
    TokenInfo,
    Variable,
    id_tag,
)


class Commands16:
    """The commands of one connected station."""

    version = "1.6"

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._settings = settings.Settings16(sender)

    # -- transactions ------------------------------------------------------------------------------

    async def remote_start(
        self,
        *,
        id_token: IdToken,
        remote_start_id: int,
        evse: EVSE | None = None,
        group_id_token: str | None = None,
        profile: ChargingProfile | None = None,
    ) -> Answer:
        """Have a transaction started; 1.6 knows neither a number of the order nor a group in it."""
        payload = present(
            connectorId=evse.evse_id if evse and evse.evse_id else None,
            idTag=id_tag(id_token.id_token),
            chargingProfile=payloads.charging_profile(profile) if profile else None,
        )
        return await self._sender.order("RemoteStartTransaction", payload)

    async def remote_stop(self, transaction_id: str) -> Answer:
        return await self._sender.order(
            "RemoteStopTransaction", {"transactionId": payloads.transaction_number(transaction_id)}
        )

    async def transaction_status(self, transaction_id: str) -> Answer:
        raise NotSpoken("OCPP 1.6 has no GetTransactionStatus")

    async def cost_updated(self, transaction_id: str, total_cost: Decimal) -> Answer:
        raise NotSpoken("OCPP 1.6 has no CostUpdated")

    # -- the station -------------------------------------------------------------------------------

    async def unlock(self, evse: EVSE) -> Answer:
        return await self._sender.order("UnlockConnector", {"connectorId": evse.evse_id})

    async def reset(self, *, immediate: bool, evse_id: int | None = None) -> Answer:
        if evse_id:
            raise NotSpoken("OCPP 1.6 resets whole stations only")
        return await self._sender.order("Reset", {"type": "Hard" if immediate else "Soft"})

    async def change_availability(self, evse: EVSE, *, operative: bool) -> Answer:
        kind = "Operative" if operative else "Inoperative"
        return await self._sender.order("ChangeAvailability", {"connectorId": evse.evse_id, "type": kind})

    async def trigger(self, message: str, evse: EVSE | None = None) -> Answer:
        return await maintenance.trigger(self._sender, message, evse)

    async def get_variables(self, variables: Sequence[Variable] = ()) -> list[Variable]:
        return await self._settings.get(variables)

    async def set_variables(self, variables: Sequence[Variable]) -> list[Variable]:
        return await self._settings.set(variables)

    # -- reservations ------------------------------------------------------------------------------

    async def reserve_now(
        self,
        *,
        reservation_id: int,
        evse: EVSE | None,
        id_token: IdToken,
        expires_at: datetime.datetime,
        group_id_token: str | None = None,
    ) -> Answer:
        """Reserve a connector; connector 0 is any of the station."""
        payload = present(
            connectorId=evse.evse_id if evse else 0,
            expiryDate=date_time(expires_at),
            idTag=id_tag(id_token.id_token),
            parentIdTag=id_tag(group_id_token) if group_id_token else None,
            reservationId=reservation_id,
        )
        return await self._sender.order("ReserveNow", payload)

    async def cancel_reservation(self, reservation_id: int) -> Answer:
        return await self._sender.order("CancelReservation", {"reservationId": reservation_id})

    # -- smart charging ----------------------------------------------------------------------------

    async def set_charging_profile(self, evse: EVSE, profile: ChargingProfile) -> Answer:
        payload = {"connectorId": evse.evse_id, "csChargingProfiles": payloads.charging_profile(profile)}
        return await self._sender.order("SetChargingProfile", payload)

    async def clear_charging_profile(
        self,
        *,
        profile_id: int | None = None,
        evse: EVSE | None = None,
        purpose: str | None = None,
        stack_level: int | None = None,
    ) -> Answer:
        payload = present(
            id=profile_id,
            connectorId=evse.evse_id if evse else None,
            chargingProfilePurpose=payloads.purpose_of(purpose) if purpose else None,
            stackLevel=stack_level,
        )
        return await self._sender.order("ClearChargingProfile", payload)

    async def composite_schedule(self, evse: EVSE, *, duration: int, unit: Literal["W", "A"] | None = None) -> Answer:
        payload = present(connectorId=evse.evse_id, duration=duration, chargingRateUnit=unit)
        answer = await self._sender.order("GetCompositeSchedule", payload)
        schedule = payloads.composite_schedule(answer.payload, duration)
        return Answer(status=answer.status, payload={**answer.payload, **schedule})

    # -- tokens ------------------------------------------------------------------------------------

    async def local_list_version(self) -> int:
        return int((await self._sender.ask("GetLocalListVersion", {}))["listVersion"])

    async def send_local_list(
        self, *, version: int, entries: Sequence[tuple[IdToken, TokenInfo | None]], full: bool
    ) -> Answer:
        most = await self._settings.limit("SendLocalListMaxLength") if len(entries) > 1 else None
        return await locallists.send(self._sender, payloads.local_list, entries, version=version, full=full, most=most)

    async def clear_cache(self) -> Answer:
        return await self._sender.order("ClearCache", {})

    # -- firmware, logs, certificates --------------------------------------------------------------

    async def update_firmware(
        self,
        *,
        location: str,
        retrieve_at: datetime.datetime,
        request_id: int,
        retries: int | None = None,
        signing_certificate: str | None = None,
        signature: str | None = None,
    ) -> Answer:
        """Have firmware installed: by SignedUpdateFirmware where it is signed, else by UpdateFirmware."""
        at = date_time(retrieve_at)
        if signing_certificate is None and signature is None:
            payload = present(location=location, retrieveDate=at, retries=retries)
            return await self._sender.order("UpdateFirmware", payload)
        firmware = present(
            location=location, retrieveDateTime=at, signingCertificate=signing_certificate, signature=signature
        )
        payload = present(requestId=request_id, retries=retries, firmware=firmware)
        return await self._sender.order("SignedUpdateFirmware", payload)

    async def get_log(
        self,
        *,
        kind: str,
        location: str,
        request_id: int,
        oldest_at: datetime.datetime | None = None,
        latest_at: datetime.datetime | None = None,
    ) -> Answer:
        return await maintenance.get_log(
            self._sender, kind=kind, location=location, request_id=request_id, oldest_at=oldest_at, latest_at=latest_at
        )

    async def install_certificate(self, kind: str, certificate: str) -> Answer:
        payload = {"certificateType": maintenance.certificate_type(kind), "certificate": certificate}
        return await self._sender.order("InstallCertificate", payload)

    async def certificate_signed(self, chain: str, kind: str) -> Answer:
        """Hand over a signed certificate; 1.6 has one kind of it, the station's own."""
        if kind != "ChargingStationCertificate":
            raise NotSpoken(f"OCPP 1.6 has no {kind[:50]}")
        return await self._sender.order("CertificateSigned", {"certificateChain": chain})

    async def installed_certificates(self, kinds: Sequence[str] = ()) -> Answer:
        return await maintenance.installed_certificates(self._sender, kinds)

    async def delete_certificate(self, hash_data: JSONObject) -> Answer:
        return await self._sender.order("DeleteCertificate", {"certificateHashData": hash_data})

    # -- the rest ----------------------------------------------------------------------------------

    async def set_display_message(self, message: JSONObject) -> Answer:
        raise NotSpoken("OCPP 1.6 has no display messages")

    async def clear_display_message(self, message_id: int) -> Answer:
        raise NotSpoken("OCPP 1.6 has no display messages")

    async def data_transfer(self, vendor_id: str, message_id: str | None = None, data: Any = None) -> DataAnswer:
        """Send a vendor's message; data of 1.6 are text, so anything else is written as JSON."""
        payload = present(
            vendorId=vendor_id, messageId=message_id, data=payloads.text_of(data) if data is not None else None
        )
        answer = await self._sender.ask("DataTransfer", payload)
        return DataAnswer(status=answer["status"], data=answer.get("data"))

    async def send(self, action: str, payload: JSONObject, *, timeout: float | None = None) -> Answer:
        return await self._sender.order(action, payload, timeout=timeout)

    async def collect(self, action: str, payload: JSONObject, *, timeout: float = 60) -> list[JSONObject]:
        raise NotSpoken("OCPP 1.6 answers nothing by reports")

    async def raw(self, action: str, payload: JSONObject, *, timeout: float | None = None) -> JSONObject:
        return await self._sender.link.call(action, payload, timeout=timeout)
