"""What a station of 2.0.1 can be told.

Source: OCPP 2.0.1 part 2, the messages a CSMS initiates.
"""

import datetime
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Literal

from hub.ocpp import locallists
from hub.ocpp.commands import Answer
from hub.ocpp.sending import Sender, present
from hub.ocpp.times import date_time
from hub.ocpp.v201 import payloads
from hub.ocpp.v201.reports import Collector
from hub.ocpp.v201.variables import Variables201
from hub.ocpp.words import EVSE, ChargingProfile, DataAnswer, IdToken, JSONObject, TokenInfo, Variable


class Commands201:
    """The commands of one connected station."""

    def __init__(self, sender: Sender, collector: Collector) -> None:
        self.version = sender.version
        self._sender = sender
        self._collector = collector
        self._variables = Variables201(sender, collector)

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
        payload = present(
            evseId=evse.evse_id if evse and evse.evse_id else None,
            idToken=payloads.id_token(id_token),
            remoteStartId=remote_start_id,
            groupIdToken=payloads.group_id_token(group_id_token),
            chargingProfile=payloads.charging_profile(profile) if profile else None,
        )
        return await self._sender.order("RequestStartTransaction", payload)

    async def remote_stop(self, transaction_id: str) -> Answer:
        return await self._sender.order("RequestStopTransaction", {"transactionId": transaction_id})

    async def transaction_status(self, transaction_id: str) -> Answer:
        answer = await self._sender.ask("GetTransactionStatus", {"transactionId": transaction_id})
        status = {True: "Ongoing", False: "Ended"}.get(answer.get("ongoingIndicator", ...), "Unknown")
        return Answer(status=status, payload=answer)

    async def cost_updated(self, transaction_id: str, total_cost: Decimal) -> Answer:
        payload = {"totalCost": float(total_cost), "transactionId": transaction_id}
        return await self._sender.order("CostUpdated", payload)

    # -- the station -------------------------------------------------------------------------------

    async def unlock(self, evse: EVSE) -> Answer:
        """Unlock a connector: the first of its EVSE if none is named."""
        payload = {"evseId": evse.evse_id, "connectorId": evse.connector_id or 1}
        return await self._sender.order("UnlockConnector", payload)

    async def reset(self, *, immediate: bool, evse_id: int | None = None) -> Answer:
        kind = "Immediate" if immediate else "OnIdle"
        return await self._sender.order("Reset", present(type=kind, evseId=evse_id or None))

    async def change_availability(self, evse: EVSE, *, operative: bool) -> Answer:
        kind = "Operative" if operative else "Inoperative"
        payload = present(evse=payloads.evse_type(evse), operationalStatus=kind)
        return await self._sender.order("ChangeAvailability", payload)

    async def trigger(self, message: str, evse: EVSE | None = None) -> Answer:
        place = payloads.evse_type(evse)
        if place is not None and message == "StatusNotification":
            place.setdefault("connectorId", 1)  # It is about connectors (F06).
        payload = present(requestedMessage=message, evse=place)
        return await self._sender.order("TriggerMessage", payload)

    async def get_variables(self, variables: Sequence[Variable] = ()) -> list[Variable]:
        return await self._variables.get(variables)

    async def set_variables(self, variables: Sequence[Variable]) -> list[Variable]:
        return await self._variables.set(variables)

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
        payload = present(
            id=reservation_id,
            expiryDateTime=date_time(expires_at),
            idToken=payloads.id_token(id_token),
            evseId=evse.evse_id if evse and evse.evse_id else None,
            groupIdToken=payloads.group_id_token(group_id_token),
        )
        return await self._sender.order("ReserveNow", payload)

    async def cancel_reservation(self, reservation_id: int) -> Answer:
        return await self._sender.order("CancelReservation", {"reservationId": reservation_id})

    # -- smart charging ----------------------------------------------------------------------------

    async def set_charging_profile(self, evse: EVSE, profile: ChargingProfile) -> Answer:
        payload = {"evseId": evse.evse_id, "chargingProfile": payloads.charging_profile(profile)}
        return await self._sender.order("SetChargingProfile", payload)

    async def clear_charging_profile(
        self,
        *,
        profile_id: int | None = None,
        evse: EVSE | None = None,
        purpose: str | None = None,
        stack_level: int | None = None,
    ) -> Answer:
        criteria = present(
            evseId=evse.evse_id if evse else None, chargingProfilePurpose=purpose, stackLevel=stack_level
        )
        payload = present(chargingProfileId=profile_id, chargingProfileCriteria=criteria or None)
        return await self._sender.order("ClearChargingProfile", payload)

    async def composite_schedule(self, evse: EVSE, *, duration: int, unit: Literal["W", "A"] | None = None) -> Answer:
        payload = present(evseId=evse.evse_id, duration=duration, chargingRateUnit=unit)
        answer = await self._sender.order("GetCompositeSchedule", payload)
        return Answer(status=answer.status, payload={**answer.payload, **payloads.composite_schedule(answer.payload)})

    # -- tokens ------------------------------------------------------------------------------------

    async def local_list_version(self) -> int:
        return int((await self._sender.ask("GetLocalListVersion", {}))["versionNumber"])

    async def send_local_list(
        self, *, version: int, entries: Sequence[tuple[IdToken, TokenInfo | None]], full: bool
    ) -> Answer:
        most = await self._variables.limit("SendLocalList") if len(entries) > 1 else None
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
        firmware = present(
            location=location,
            retrieveDateTime=date_time(retrieve_at),
            signingCertificate=signing_certificate,
            signature=signature,
        )
        payload = present(requestId=request_id, retries=retries, firmware=firmware)
        return await self._sender.order("UpdateFirmware", payload)

    async def get_log(
        self,
        *,
        kind: str,
        location: str,
        request_id: int,
        oldest_at: datetime.datetime | None = None,
        latest_at: datetime.datetime | None = None,
    ) -> Answer:
        log = present(
            remoteLocation=location,
            oldestTimestamp=date_time(oldest_at) if oldest_at else None,
            latestTimestamp=date_time(latest_at) if latest_at else None,
        )
        return await self._sender.order("GetLog", {"log": log, "logType": kind, "requestId": request_id})

    async def install_certificate(self, kind: str, certificate: str) -> Answer:
        return await self._sender.order("InstallCertificate", {"certificateType": kind, "certificate": certificate})

    async def certificate_signed(self, chain: str, kind: str) -> Answer:
        return await self._sender.order("CertificateSigned", {"certificateChain": chain, "certificateType": kind})

    async def installed_certificates(self, kinds: Sequence[str] = ()) -> Answer:
        return await self._sender.order("GetInstalledCertificateIds", present(certificateType=list(kinds) or None))

    async def delete_certificate(self, hash_data: JSONObject) -> Answer:
        return await self._sender.order("DeleteCertificate", {"certificateHashData": hash_data})

    # -- the rest ----------------------------------------------------------------------------------

    async def set_display_message(self, message: JSONObject) -> Answer:
        """Have a message displayed: a MessageInfoType."""
        return await self._sender.order("SetDisplayMessage", {"message": message})

    async def clear_display_message(self, message_id: int) -> Answer:
        return await self._sender.order("ClearDisplayMessage", {"id": message_id})

    async def data_transfer(self, vendor_id: str, message_id: str | None = None, data: Any = None) -> DataAnswer:
        answer = await self._sender.ask("DataTransfer", present(vendorId=vendor_id, messageId=message_id, data=data))
        return DataAnswer(status=answer["status"], data=answer.get("data"))

    async def send(self, action: str, payload: JSONObject, *, timeout: float | None = None) -> Answer:
        return await self._sender.order(action, payload, timeout=timeout)

    async def collect(self, action: str, payload: JSONObject, *, timeout: float = 60) -> list[JSONObject]:
        return await self._collector.collect(self._sender, action, payload, timeout=timeout)

    async def raw(self, action: str, payload: JSONObject, *, timeout: float | None = None) -> JSONObject:
        return await self._sender.link.call(action, payload, timeout=timeout)
