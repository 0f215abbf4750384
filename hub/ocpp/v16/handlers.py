"""What a station of 1.6 says, put to the operator; what it is answered.

Source: OCPP 1.6 edition 2, Operations Initiated by Charge Point, Messages; Improved security for OCPP 1.6-J.
"""

import datetime
from collections.abc import Callable, Mapping

from hub.ocpp.dialects import Call, Handler
from hub.ocpp.events import (
    BootNotified,
    DataTransferred,
    Metered,
    Operator,
    StatusChanged,
    TokenPresented,
    TransactionEvent,
)
from hub.ocpp.reporting import report, report_dropped
from hub.ocpp.times import date_time, moment
from hub.ocpp.v16.meters import samples_of
from hub.ocpp.v16.payloads import id_tag_info, text_of
from hub.ocpp.words import EVSE, IdToken, JSONObject, TokenInfo

#: What is answered for a token the operator gave no verdict on: an unknown status is never success.
_NO_VERDICT = TokenInfo(status="Invalid")


class Handlers16:
    """The CALLs of stations, answered once the operator has committed them."""

    def __init__(self, operator: Operator, clock: Callable[[], datetime.datetime]) -> None:
        self._operator = operator
        self._clock = clock

    def by_action(self) -> Mapping[str, Handler]:
        """Return what answers each action a station may send."""
        return {
            "Authorize": self.authorize,
            "BootNotification": self.boot_notification,
            "DataTransfer": self.data_transfer,
            "DiagnosticsStatusNotification": self.report,
            "FirmwareStatusNotification": self.report,
            "Heartbeat": self.heartbeat,
            "LogStatusNotification": self.report,
            "MeterValues": self.meter_values,
            "SecurityEventNotification": self.report,
            "SignCertificate": self.sign_certificate,
            "SignedFirmwareStatusNotification": self.report,
            "StartTransaction": self.start_transaction,
            "StatusNotification": self.status_notification,
            "StopTransaction": self.stop_transaction,
        }

    async def boot_notification(self, call: Call) -> JSONObject:
        """Tell the boot; some stations give their serial number as the deprecated chargeBoxSerialNumber."""
        said = call.payload
        registration = await self._operator.booted(
            BootNotified(
                station_id=call.station_id,
                vendor=said["chargePointVendor"],
                model=said["chargePointModel"],
                serial_number=said.get("chargePointSerialNumber") or said.get("chargeBoxSerialNumber"),
                firmware_version=said.get("firmwareVersion"),
                iccid=said.get("iccid"),
                imsi=said.get("imsi"),
                meter_type=said.get("meterType"),
                meter_serial_number=said.get("meterSerialNumber"),
                at=call.received_at,
            )
        )
        return {
            "status": registration.status,
            "currentTime": date_time(self._clock()),
            "interval": registration.interval,
        }

    async def heartbeat(self, call: Call) -> JSONObject:
        """Tell the time."""
        return {"currentTime": date_time(self._clock())}

    async def authorize(self, call: Call) -> JSONObject:
        """Ask whether a token may charge."""
        token = IdToken(id_token=call.payload["idTag"])
        info = await self._operator.token_presented(TokenPresented(station_id=call.station_id, id_token=token))
        return {"idTagInfo": id_tag_info(info)}

    async def start_transaction(self, call: Call) -> JSONObject:
        """Tell a start, and answer the number the transaction has from now on."""
        said = call.payload
        answer = await self._operator.transaction(
            TransactionEvent(
                kind="Started",
                station_id=call.station_id,
                transaction_id=None,
                at=moment(said["timestamp"]),
                received_at=call.received_at,
                message_id=call.message_id,
                trigger=call.action,
                evse=evse_of(call, said["connectorId"]),
                id_token=IdToken(id_token=said["idTag"]),
                meter=int(said["meterStart"]),
                reservation_id=said.get("reservationId"),
            )
        )
        if answer.transaction_id is None:
            raise RuntimeError("the operator gave no number to a transaction of 1.6")
        info = id_tag_info(answer.token or _NO_VERDICT)
        return {"transactionId": int(answer.transaction_id), "idTagInfo": info}

    async def stop_transaction(self, call: Call) -> JSONObject:
        """Tell an end; without a reason it is Local (StopTransaction.req)."""
        said = call.payload
        samples, dropped = samples_of(said.get("transactionData") or [])
        answer = await self._operator.transaction(
            TransactionEvent(
                kind="Ended",
                station_id=call.station_id,
                transaction_id=str(int(said["transactionId"])),
                at=moment(said["timestamp"]),
                received_at=call.received_at,
                message_id=call.message_id,
                trigger=call.action,
                id_token=IdToken(id_token=said["idTag"]) if said.get("idTag") else None,
                meter=int(said["meterStop"]),
                samples=samples,
                reason=said.get("reason", "Local"),
            )
        )
        await report_dropped(self._operator, call, dropped)
        return {"idTagInfo": id_tag_info(answer.token)} if answer.token else {}

    async def meter_values(self, call: Call) -> JSONObject:
        """Tell meter values: of a transaction, or of the connector alone."""
        samples, dropped = samples_of(call.payload["meterValue"])
        evse = evse_of(call, call.payload["connectorId"])
        transaction_id = int(call.payload.get("transactionId") or 0)
        # Some stations say 0 or -1 where they mean none.
        if transaction_id > 0:
            at = max(moment(each["timestamp"]) for each in call.payload["meterValue"])
            await self._operator.transaction(
                TransactionEvent(
                    kind="Updated",
                    station_id=call.station_id,
                    transaction_id=str(transaction_id),
                    at=at,
                    received_at=call.received_at,
                    message_id=call.message_id,
                    trigger=call.action,
                    evse=evse,
                    samples=samples,
                )
            )
        elif samples:
            await self._operator.told(Metered(evse=evse, samples=samples))
        await report_dropped(self._operator, call, dropped)
        return {}

    async def status_notification(self, call: Call) -> JSONObject:
        """Tell a connector's status; without a timestamp it is as old as its arrival."""
        said = call.payload
        await self._operator.told(
            StatusChanged(
                evse=evse_of(call, said["connectorId"]),
                status=said["status"],
                at=moment(said["timestamp"]) if said.get("timestamp") else call.received_at,
                error_code=said["errorCode"],
                info=said.get("info"),
                vendor_id=said.get("vendorId"),
                vendor_error_code=said.get("vendorErrorCode"),
            )
        )
        return {}

    async def data_transfer(self, call: Call) -> JSONObject:
        """Put a vendor's message; data of 1.6 are text, so what else the operator answers is written as JSON."""
        said = call.payload
        answer = await self._operator.data_transferred(
            DataTransferred(
                station_id=call.station_id,
                vendor_id=said["vendorId"],
                message_id=said.get("messageId"),
                data=said.get("data"),
            )
        )
        if answer.data is None:
            return {"status": answer.status}
        return {"status": answer.status, "data": text_of(answer.data)}

    async def sign_certificate(self, call: Call) -> JSONObject:
        """Hand on a signing request; 1.6 has one kind of certificate, the station's own."""
        taken = await self._operator.certificate_requested(
            call.station_id, call.payload["csr"], "ChargingStationCertificate"
        )
        return {"status": "Accepted" if taken else "Rejected"}

    async def report(self, call: Call) -> JSONObject:
        """Tell what is only thanked for."""
        await report(self._operator, call)
        return {}


def evse_of(call: Call, connector_id: int) -> EVSE:
    """Return the place a connector of 1.6 is: its connector n is connector 1 of EVSE n; 0 is the whole station."""
    return EVSE(station_id=call.station_id, evse_id=int(connector_id), connector_id=1 if connector_id else 0)
