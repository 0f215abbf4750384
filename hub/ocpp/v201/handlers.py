"""What a station of 2.0.1 says, put to the operator; what it is answered.

Source: OCPP 2.0.1 part 2, the messages a Charging Station initiates.
"""

import datetime
from collections.abc import Callable, Mapping

from hub.ocpp.dialects import Call, Handler
from hub.ocpp.events import (
    BootNotified,
    DataTransferred,
    Metered,
    Operator,
    ReservationChanged,
    StatusChanged,
    TokenPresented,
    TransactionAnswer,
    TransactionEvent,
)
from hub.ocpp.reporting import report, report_dropped
from hub.ocpp.sending import present
from hub.ocpp.times import date_time, moment
from hub.ocpp.v201.certificates import CertificateService
from hub.ocpp.v201.meters import samples_of
from hub.ocpp.v201.payloads import evse_of, id_token_info, message_content, token_of
from hub.ocpp.v201.reports import Collector
from hub.ocpp.words import EVSE, IdToken, JSONObject

#: What a connector's AvailabilityState may be (ConnectorStatusEnumType).
_STATUSES = frozenset({"Available", "Occupied", "Reserved", "Unavailable", "Faulted"})

#: What of a TransactionEvent the event has fields for; the rest goes into ``extra``.
_KNOWN = frozenset({
    "eventType", "meterValue", "timestamp", "triggerReason", "seqNo", "offline", "numberOfPhasesUsed",
    "cableMaxCurrent", "reservationId", "transactionInfo", "evse", "idToken",
})  # fmt: skip
_KNOWN_INFO = frozenset({"transactionId", "chargingState", "timeSpentCharging", "stoppedReason", "remoteStartId"})


class Handlers201:
    """The CALLs of stations, answered once the operator has committed them."""

    def __init__(
        self,
        operator: Operator,
        clock: Callable[[], datetime.datetime],
        certificates: CertificateService,
        collector: Collector,
    ) -> None:
        self._operator = operator
        self._clock = clock
        self._certificates = certificates
        self._collector = collector

    def by_action(self) -> Mapping[str, Handler]:
        """Return what answers each action a station may send."""
        return {
            "Authorize": self.authorize,
            "BootNotification": self.boot_notification,
            "ClearedChargingLimit": self.report,
            "DataTransfer": self.data_transfer,
            "FirmwareStatusNotification": self.report,
            "Get15118EVCertificate": self.ev_certificate,
            "GetCertificateStatus": self.certificate_status,
            "Heartbeat": self.heartbeat,
            "LogStatusNotification": self.report,
            "MeterValues": self.meter_values,
            "NotifyChargingLimit": self.report,
            "NotifyCustomerInformation": self.part_of_report,
            "NotifyDisplayMessages": self.part_of_report,
            "NotifyEVChargingNeeds": self.charging_needs,
            "NotifyEVChargingSchedule": self.charging_schedule,
            "NotifyEvent": self.notify_event,
            "NotifyMonitoringReport": self.part_of_report,
            "NotifyReport": self.part_of_report,
            "PublishFirmwareStatusNotification": self.report,
            "ReportChargingProfiles": self.part_of_report,
            "ReservationStatusUpdate": self.reservation_status_update,
            "SecurityEventNotification": self.report,
            "SignCertificate": self.sign_certificate,
            "StatusNotification": self.status_notification,
            "TransactionEvent": self.transaction_event,
        }

    # -- provisioning ------------------------------------------------------------------------------

    async def boot_notification(self, call: Call) -> JSONObject:
        """Tell the boot."""
        station = call.payload["chargingStation"]
        modem = station.get("modem") or {}
        registration = await self._operator.booted(
            BootNotified(
                station_id=call.station_id,
                vendor=station["vendorName"],
                model=station["model"],
                reason=call.payload["reason"],
                serial_number=station.get("serialNumber"),
                firmware_version=station.get("firmwareVersion"),
                iccid=modem.get("iccid"),
                imsi=modem.get("imsi"),
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

    # -- tokens and transactions -------------------------------------------------------------------

    async def authorize(self, call: Call) -> JSONObject:
        """Ask whether a token, or a contract certificate, may charge."""
        said = call.payload
        info = await self._operator.token_presented(
            TokenPresented(
                station_id=call.station_id,
                id_token=_token(said),
                certificate=said.get("certificate"),
                certificate_hashes=tuple(said.get("iso15118CertificateHashData") or ()),
            )
        )
        return present(idTokenInfo=id_token_info(info), certificateStatus=info.certificate_status)

    async def transaction_event(self, call: Call) -> JSONObject:
        """Tell what a transaction does; an end without a reason is Local (TransactionType.stoppedReason)."""
        samples, dropped = samples_of(call.payload.get("meterValue") or [])
        said, info = call.payload, call.payload["transactionInfo"]
        ended = said["eventType"] == "Ended"
        answer = await self._operator.transaction(
            TransactionEvent(
                kind=said["eventType"],
                station_id=call.station_id,
                transaction_id=info["transactionId"],
                at=moment(said["timestamp"]),
                received_at=call.received_at,
                message_id=call.message_id,
                trigger=said["triggerReason"],
                evse=evse_of(call, said.get("evse")),
                seq_no=int(said["seqNo"]),
                id_token=token_of(said.get("idToken")),
                samples=samples,
                charging_state=info.get("chargingState"),
                offline=said.get("offline", False),
                reason=info.get("stoppedReason", "Local" if ended else None),
                remote_start_id=info.get("remoteStartId"),
                reservation_id=said.get("reservationId"),
                time_spent_charging=info.get("timeSpentCharging"),
                phases_used=said.get("numberOfPhasesUsed"),
                cable_max_current=said.get("cableMaxCurrent"),
                extra=_rest(said, _KNOWN) | _rest(info, _KNOWN_INFO),
            )
        )
        await report_dropped(self._operator, call, dropped)
        return _transaction_answer(answer)

    async def meter_values(self, call: Call) -> JSONObject:
        """Tell meter values that belong to no transaction; EVSE 0 is the station's main meter."""
        samples, dropped = samples_of(call.payload["meterValue"])
        if samples:
            evse = EVSE(station_id=call.station_id, evse_id=int(call.payload["evseId"]))
            await self._operator.told(Metered(evse=evse, samples=samples))
        await report_dropped(self._operator, call, dropped)
        return {}

    # -- availability and reservation --------------------------------------------------------------

    async def status_notification(self, call: Call) -> JSONObject:
        """Tell a connector's status. What is wrong with one that is Faulted comes by NotifyEvent."""
        said = call.payload
        evse = EVSE(station_id=call.station_id, evse_id=int(said["evseId"]), connector_id=int(said["connectorId"]))
        status = StatusChanged(evse=evse, status=said["connectorStatus"], at=moment(said["timestamp"]))
        await self._operator.told(status)
        return {}

    async def notify_event(self, call: Call) -> JSONObject:
        """Tell what a monitor noticed; a connector's state told this way is its status.

        2.0.1 lets a station choose between this and StatusNotification (G01), 2.1 prefers this.
        """
        await report(self._operator, call)
        for event in call.payload["eventData"]:
            evse = _connector_of(call, event)
            if evse is not None and event["actualValue"] in _STATUSES:
                status = StatusChanged(evse=evse, status=event["actualValue"], at=moment(event["timestamp"]))
                await self._operator.told(status)
        return {}

    async def reservation_status_update(self, call: Call) -> JSONObject:
        """Tell that a reservation is over at the station."""
        await self._operator.told(
            ReservationChanged(
                station_id=call.station_id,
                reservation_id=int(call.payload["reservationId"]),
                status=call.payload["reservationUpdateStatus"],
            )
        )
        return {}

    # -- certificates ------------------------------------------------------------------------------

    async def sign_certificate(self, call: Call) -> JSONObject:
        """Hand on a signing request; without a kind it is for the station's own certificate."""
        kind = call.payload.get("certificateType", "ChargingStationCertificate")
        taken = await self._operator.certificate_requested(call.station_id, call.payload["csr"], kind)
        return {"status": "Accepted" if taken else "Rejected"}

    async def ev_certificate(self, call: Call) -> JSONObject:
        """Have a contract certificate made or renewed for an EV."""
        await report(self._operator, call)
        answer = await self._certificates.ev_certificate(call.station_id, call.payload)
        return {"status": "Failed" if answer is None else "Accepted", "exiResponse": answer or ""}

    async def certificate_status(self, call: Call) -> JSONObject:
        """Ask whether a certificate has been revoked."""
        await report(self._operator, call)
        answer = await self._certificates.certificate_status(call.payload["ocspRequestData"])
        return present(status="Failed" if answer is None else "Accepted", ocspResult=answer)

    # -- smart charging ----------------------------------------------------------------------------

    async def charging_needs(self, call: Call) -> JSONObject:
        """Put what an EV needs; where it is Accepted, a profile for its transaction follows (K15)."""
        await report(self._operator, call)
        return {"status": await self._operator.charging_needs(call.station_id, call.payload)}

    async def charging_schedule(self, call: Call) -> JSONObject:
        """Put how an EV will charge; where it may not so, it is told its limit anew (K15)."""
        await report(self._operator, call)
        taken = await self._operator.charging_schedule(call.station_id, call.payload)
        return {"status": "Accepted" if taken else "Rejected"}

    # -- the rest ----------------------------------------------------------------------------------

    async def data_transfer(self, call: Call) -> JSONObject:
        """Put a vendor's message."""
        said = call.payload
        answer = await self._operator.data_transferred(
            DataTransferred(
                station_id=call.station_id,
                vendor_id=said["vendorId"],
                message_id=said.get("messageId"),
                data=said.get("data"),
            )
        )
        return present(status=answer.status, data=answer.data)

    async def report(self, call: Call) -> JSONObject:
        """Tell what is only thanked for."""
        await report(self._operator, call)
        return {}

    async def part_of_report(self, call: Call) -> JSONObject:
        """Tell a message of a report, and add it to those that came before."""
        await report(self._operator, call)
        self._collector.take(call)
        return {}


def _connector_of(call: Call, event: JSONObject) -> EVSE | None:
    """Return the connector whose state an event tells; None: it tells of something else."""
    component = event["component"]
    place = evse_of(call, component.get("evse"))
    telling = (
        component["name"].casefold() == "connector" and event["variable"]["name"].casefold() == "availabilitystate"
    )
    return place if telling and place is not None and place.connector_id else None


def _token(said: JSONObject) -> IdToken:
    token = token_of(said["idToken"])
    assert token is not None  # idToken is required
    return token


def _rest(said: JSONObject, known: frozenset[str]) -> JSONObject:
    return {name: value for name, value in said.items() if name not in known}


def _transaction_answer(answer: TransactionAnswer) -> JSONObject:
    """Return a TransactionEventResponse; a cost of 0 is said, for no cost does not mean free (totalCost)."""
    return present(
        totalCost=float(answer.total_cost) if answer.total_cost is not None else None,
        chargingPriority=answer.charging_priority,
        idTokenInfo=id_token_info(answer.token) if answer.token else None,
        updatedPersonalMessage=message_content(answer.message),
    )
