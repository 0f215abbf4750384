"""A station that speaks OCPP 2.0.1: what it says. Each of its connectors is an EVSE with one connector.

Source: OCPP 2.0.1 edition 3, part 2.
"""

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ocpp.v201 import ChargePoint, call

from hub.ocpp.events import Registration
from hub.ocpp.simulation.clock import moment, timestamp
from hub.ocpp.simulation.connector import Connector, Reservation, Transaction
from hub.ocpp.simulation.outgoing import Outgoing
from hub.ocpp.simulation.readings import readings
from hub.ocpp.simulation.v201_answers import Answers201
from hub.ocpp.simulation.v201_charging import Charging201
from hub.ocpp.simulation.v201_device import Device201
from hub.ocpp.simulation.voice import JSON, Answerer, answerers, routes
from hub.ocpp.words import IdToken, TokenInfo

if TYPE_CHECKING:
    from hub.ocpp.simulation.station import Station

#: Which measurands a message tells, by the context of its readings.
_MEASURANDS = {"Sample.Clock": "MeterValuesAlignedData", "Transaction.End": "StopTxnSampledData"}

_CONTEXTS = {"MeterValuePeriodic": "Sample.Periodic", "Trigger": "Trigger", "MeterValueClock": "Sample.Clock"}

#: Certificates by the trigger that asks for their signing request.
_CERTIFICATES = {
    "SignChargingStationCertificate": "ChargingStationCertificate",
    "SignV2GCertificate": "V2GCertificate",
}


class Voice201:
    """OCPP 2.0.1, spoken by one station."""

    version = "2.0.1"
    subprotocol = "ocpp2.0.1"

    def __init__(self, station: "Station") -> None:
        self._station = station
        self.device = Device201(station)
        self._answers = answerers(Answers201(station)) | answerers(Charging201(station)) | answerers(self.device)

    def charge_point(self, wire: Any) -> Any:
        """Return the ``ocpp`` package's ChargePoint over a wire."""
        made = ChargePoint(self._station.id, wire, response_timeout=self._station.answer_timeout)
        made.route_map = routes(self._answers, self._station)
        return made

    def answerers(self) -> Mapping[str, Answerer]:
        return self._answers

    # -- at once -----------------------------------------------------------------------------------

    async def _call(self, request: Any) -> Any:
        return await self._station.link.call(request)

    async def boot(self, reason: str) -> tuple[Registration, datetime.datetime]:
        """Send BootNotification."""
        station = {
            "model": "Simulated 22",
            "vendor_name": "emall",
            "serial_number": self._station.id[:25],
            "firmware_version": self._station.firmware,
        }
        answer = await self._call(call.BootNotification(charging_station=station, reason=reason))
        return Registration(status=answer.status, interval=answer.interval), moment(answer.current_time)

    async def heartbeat(self) -> datetime.datetime:
        """Send Heartbeat; return the central system's time."""
        return moment((await self._call(call.Heartbeat())).current_time)

    async def status(self, connector: Connector) -> None:
        """Send StatusNotification of a connector."""
        await self._call(
            call.StatusNotification(
                timestamp=timestamp(self._station.now()),
                connector_status=connector.status_told_as("2.0.1"),
                evse_id=connector.evse_id,
                connector_id=1,
            )
        )

    async def station_status(self) -> None:
        """2.0.1 tells the status of connectors only."""

    async def authorize(self, token: IdToken) -> TokenInfo:
        """Send Authorize."""
        return token_info((await self._call(call.Authorize(id_token=_id_token(token)))).id_token_info)

    async def meter(self, connector: Connector, context: str) -> None:
        """Send MeterValues; during a transaction its event carries them."""
        if connector.transaction is not None and context == "Sample.Clock":
            return self.updated(connector, connector.transaction, "MeterValueClock")
        value = self._meter_value(connector, context)
        await self._call(call.MeterValues(evse_id=connector.evse_id, meter_value=[value]))

    async def reservation_ended(self, reservation: Reservation, status: str) -> None:
        """Send ReservationStatusUpdate."""
        await self._call(call.ReservationStatusUpdate(reservation_id=reservation.id, reservation_update_status=status))

    async def firmware(self, status: str, request_id: int | None) -> None:
        """Send FirmwareStatusNotification; an idle station names no order."""
        named = None if status == "Idle" else request_id
        await self._call(call.FirmwareStatusNotification(status=status, request_id=named))

    async def log(self, status: str, request_id: int | None) -> None:
        """Send LogStatusNotification; an idle station names no order."""
        named = None if status == "Idle" else request_id
        await self._call(call.LogStatusNotification(status=status, request_id=named))

    async def security_event(self, kind: str) -> None:
        """Send SecurityEventNotification."""
        await self._call(call.SecurityEventNotification(type=kind, timestamp=timestamp(self._station.now())))

    async def alarm(self, connector: Connector) -> None:
        """Send NotifyEvent: the connector has a problem, and which."""
        event = {
            "event_id": self.device.next_event(),
            "timestamp": timestamp(self._station.now()),
            "trigger": "Alerting",
            "actual_value": "true",
            "tech_code": connector.error_code,
            "event_notification_type": "HardWiredNotification",
            "component": {"name": "Connector", "evse": {"id": connector.evse_id, "connector_id": 1}},
            "variable": {"name": "Problem"},
        }
        await self._call(call.NotifyEvent(generated_at=timestamp(self._station.now()), seq_no=0, event_data=[event]))

    async def sign_certificate(self, csr: str, kind: str) -> None:
        """Send SignCertificate."""
        await self._call(call.SignCertificate(csr=csr, certificate_type=_CERTIFICATES.get(kind)))

    # -- of transactions ---------------------------------------------------------------------------

    def started(self, connector: Connector, transaction: Transaction, trigger: str) -> None:
        """Queue the first TransactionEvent."""
        values = [self._meter_value(connector, "Transaction.Begin")]
        self._event("Started", connector, transaction, trigger, values=values, token=transaction.token)

    def updated(self, connector: Connector, transaction: Transaction, trigger: str) -> None:
        """Queue a TransactionEvent; one that gives the leave names its token."""
        values = [*transaction.kept, self._meter_value(connector, _CONTEXTS.get(trigger, "Other"))]
        transaction.kept = []
        if trigger == "MeterValuePeriodic" and "late-meter" in self._station.faults and len(values) < 5:
            transaction.kept = values
            return
        token = transaction.token if trigger in ("Authorized", "RemoteStart") else transaction.stopped_by
        self._event("Updated", connector, transaction, trigger, values=values, token=token)

    def ended(self, connector: Connector, transaction: Transaction, reason: str, trigger: str) -> None:
        """Queue the last TransactionEvent."""
        values = [*transaction.kept, self._meter_value(connector, "Transaction.End")]
        transaction.kept = []
        self._event(
            "Ended", connector, transaction, trigger, values=values, token=transaction.stopped_by, reason=reason
        )

    def _event(
        self,
        kind: str,
        connector: Connector,
        transaction: Transaction,
        trigger: str,
        *,
        values: list[JSON],
        token: IdToken | None,
        reason: str | None = None,
    ) -> None:
        request = call.TransactionEvent(
            event_type=kind,
            timestamp=timestamp(self._station.now()),
            trigger_reason=trigger,
            seq_no=transaction.seq_no,
            transaction_info=self._info(connector, transaction, reason),
            meter_value=values,
            offline=None if self._station.registered else True,
            number_of_phases_used=connector.phases if connector.power > 0 else None,
            reservation_id=transaction.reservation_id if transaction.seq_no == 0 or token else None,
            evse={"id": connector.evse_id, "connector_id": 1} if kind == "Started" else None,
            id_token=_id_token(token) if token is not None else None,
        )
        transaction.seq_no += 1

        def answered(answer: Any) -> None:
            if answer.total_cost is not None:
                self._station.shown[-1] = {"content": f"{answer.total_cost:.2f}"}
            if answer.id_token_info and token is transaction.token:
                self._station.charging.judged(connector, transaction, token_info(answer.id_token_info))
            self._station.noted()

        late = kind == "Ended" and "late-stop" in self._station.faults
        self._station.put(
            Outgoing(
                transaction=transaction.number,
                request=lambda: request,
                answered=answered,
                delay=30.0 if late else 0.0,
            )
        )

    def _info(self, connector: Connector, transaction: Transaction, reason: str | None) -> JSON:
        states = {"Charging": "Charging", "SuspendedEV": "SuspendedEV", "SuspendedEVSE": "SuspendedEVSE"}
        idle = "EVConnected" if connector.car is not None else "Idle"
        return {
            "transaction_id": transaction.number,
            "charging_state": idle if transaction.over or not connector.car else states.get(connector.status, idle),
            "time_spent_charging": int(transaction.charging),
            "stopped_reason": reason,
            "remote_start_id": transaction.remote_start_id,
        }

    def _meter_value(self, connector: Connector, context: str) -> JSON:
        measurands = self._station.configuration.words(_MEASURANDS.get(context, "MeterValuesSampledData"))
        sampled = [
            {
                "value": value,
                "context": context,
                "measurand": measurand,
                "location": "EV" if measurand == "SoC" else "Outlet",
                "unit_of_measure": {"unit": unit},
            }
            for measurand, value, unit in readings(connector, measurands)
        ]
        return {"timestamp": timestamp(self._station.now()), "sampled_value": sampled}


def _id_token(token: IdToken) -> JSON:
    additional = [{"additional_id_token": each, "type": kind} for each, kind in token.additional]
    return {"id_token": token.id_token, "type": token.type} | ({"additional_info": additional} if additional else {})


def token_info(info: JSON) -> TokenInfo:
    """Return what an IdTokenInfoType says."""
    expires, group = info.get("cache_expiry_date_time"), info.get("group_id_token")
    return TokenInfo(
        status=info["status"],
        expires_at=moment(expires) if expires else None,
        group_id_token=group["id_token"] if group else None,
        charging_priority=info.get("charging_priority"),
    )
