"""A station that speaks OCPP 1.6: what it says.

Source: OCPP 1.6 edition 2, 4 and 6; OCPP 1.6 security whitepaper edition 3.
"""

import datetime
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from ocpp.v16 import ChargePoint, call, enums

from hub.ocpp.events import Registration
from hub.ocpp.simulation.clock import moment, timestamp
from hub.ocpp.simulation.connector import Connector, Reservation, Transaction
from hub.ocpp.simulation.outgoing import Outgoing
from hub.ocpp.simulation.readings import readings
from hub.ocpp.simulation.v16_answers import Answers16
from hub.ocpp.simulation.voice import JSON, Answerer, answerers, routes
from hub.ocpp.words import IdToken, TokenInfo

if TYPE_CHECKING:
    from hub.ocpp.simulation.station import Station

#: Reasons the stations know and 1.6 has no word for.
_REASONS = {"Timeout": "Other", "ImmediateReset": "HardReset"}


class Voice16:
    """OCPP 1.6, spoken by one station."""

    version = "1.6"
    subprotocol = "ocpp1.6"

    def __init__(self, station: "Station") -> None:
        self._station = station

    def charge_point(self, wire: Any) -> Any:
        """Return the ``ocpp`` package's ChargePoint over a wire."""
        made = ChargePoint(self._station.id, wire, response_timeout=self._station.answer_timeout)
        made.route_map = routes(self.answerers(), self._station)
        return made

    def answerers(self) -> Mapping[str, Answerer]:
        return answerers(Answers16(self._station))

    # -- at once -----------------------------------------------------------------------------------

    async def _call(self, request: Any) -> Any:
        return await self._station.link.call(request)

    async def boot(self, reason: str) -> tuple[Registration, datetime.datetime]:
        """Send BootNotification; 1.6 does not say why."""
        answer = await self._call(
            call.BootNotification(
                charge_point_model="Simulated 22",
                charge_point_vendor="emall",
                charge_point_serial_number=self._station.id[:25],
                firmware_version=self._station.firmware,
                meter_type="simulated",
            )
        )
        return Registration(status=answer.status, interval=answer.interval), moment(answer.current_time)

    async def heartbeat(self) -> datetime.datetime:
        """Send Heartbeat; return the central system's time."""
        return moment((await self._call(call.Heartbeat())).current_time)

    async def status(self, connector: Connector) -> None:
        """Send StatusNotification of a connector."""
        await self._call(
            call.StatusNotification(
                connector_id=connector.evse_id,
                error_code=enums.ChargePointErrorCode(connector.error_code),
                status=enums.ChargePointStatus(connector.status_told_as("1.6")),
                timestamp=timestamp(self._station.now()),
            )
        )

    async def station_status(self) -> None:
        """Send StatusNotification of connector 0, which is Available, Unavailable or Faulted."""
        usable = any(each.operative for each in self._station.connectors)
        await self._call(
            call.StatusNotification(
                connector_id=0,
                error_code=enums.ChargePointErrorCode.no_error,
                status=enums.ChargePointStatus("Available" if usable else "Unavailable"),
                timestamp=timestamp(self._station.now()),
            )
        )

    async def authorize(self, token: IdToken) -> TokenInfo:
        """Send Authorize."""
        answer = await self._call(call.Authorize(id_tag=token.id_token))
        return token_info(answer.id_tag_info)

    async def meter(self, connector: Connector, context: str) -> None:
        """Send MeterValues; those of a transaction name it where it has its id."""
        transaction = connector.transaction
        name = "MeterValuesAlignedData" if context == "Sample.Clock" else "MeterValuesSampledData"
        await self._call(
            call.MeterValues(
                connector_id=connector.evse_id,
                transaction_id=int(transaction.id) if transaction and transaction.id else None,
                meter_value=[self._meter_value(connector, name, context)],
            )
        )

    async def reservation_ended(self, reservation: Reservation, status: str) -> None:
        """1.6 has no message: the connector's status tells it."""

    async def firmware(self, status: str, request_id: int | None) -> None:
        """Send FirmwareStatusNotification, or its signed sister for an order that had an id."""
        if request_id is None:
            await self._call(call.FirmwareStatusNotification(status=enums.FirmwareStatus(status)))
        else:
            signed = call.SignedFirmwareStatusNotification(status=enums.FirmwareStatus(status), request_id=request_id)
            await self._call(signed)

    async def log(self, status: str, request_id: int | None) -> None:
        """Send DiagnosticsStatusNotification, or LogStatusNotification for an order that had an id."""
        if request_id is None:
            await self._call(call.DiagnosticsStatusNotification(status=enums.DiagnosticsStatus(status)))
        elif status in {each.value for each in enums.UploadLogStatus}:
            await self._call(call.LogStatusNotification(status=enums.UploadLogStatus(status), request_id=request_id))

    async def security_event(self, kind: str) -> None:
        """Send SecurityEventNotification."""
        at = timestamp(self._station.now())
        await self._call(call.SecurityEventNotification(type=kind, timestamp=at, tech_info=None))

    async def alarm(self, connector: Connector) -> None:
        """The error code of the connector's status tells it."""

    async def sign_certificate(self, csr: str, kind: str) -> None:
        """Send SignCertificate; 1.6 knows one kind."""
        await self._call(call.SignCertificate(csr=csr))

    # -- of transactions ---------------------------------------------------------------------------

    def started(self, connector: Connector, transaction: Transaction, trigger: str) -> None:
        """Queue StartTransaction; its answer gives the transaction its id."""
        assert transaction.token is not None, "1.6 has no transaction without a token"
        request = call.StartTransaction(
            connector_id=connector.evse_id,
            id_tag=transaction.token.id_token,
            meter_start=transaction.meter_start,
            timestamp=timestamp(transaction.started_at),
            reservation_id=transaction.reservation_id,
        )

        def answered(answer: Any) -> None:
            self._station.charging.named(connector, transaction, str(answer.transaction_id))
            self._station.charging.judged(connector, transaction, token_info(answer.id_tag_info))
            self._station.noted()

        self._put(transaction, lambda: request, answered)

    def updated(self, connector: Connector, transaction: Transaction, trigger: str) -> None:
        """Queue MeterValues for what is a reading; 1.6 tells nothing else between start and stop."""
        contexts = {"MeterValuePeriodic": "Sample.Periodic", "Trigger": "Trigger"}
        if trigger not in contexts:
            return
        value = self._meter_value(connector, "MeterValuesSampledData", contexts[trigger])
        evse_id = connector.evse_id
        transaction.kept.append(value)
        if len(transaction.kept) < (5 if "late-meter" in self._station.faults and trigger != "Trigger" else 1):
            return
        values, transaction.kept = transaction.kept, []
        self._put(transaction, partial(self._meter_values, evse_id, transaction, values))

    def _meter_values(self, evse_id: int, transaction: Transaction, values: list[JSON]) -> Any:
        number = int(transaction.id) if transaction.id else None
        return call.MeterValues(connector_id=evse_id, transaction_id=number, meter_value=values)

    def ended(self, connector: Connector, transaction: Transaction, reason: str, trigger: str) -> None:
        """Queue StopTransaction, with the readings that were kept back."""
        at, meter = timestamp(self._station.now()), connector.meter.register
        kept, transaction.kept = transaction.kept, []
        data = [*kept, self._meter_value(connector, "StopTxnSampledData", "Transaction.End")]
        tag = transaction.stopped_by.id_token if transaction.stopped_by is not None else None

        def request() -> Any:
            # A start that was given up leaves its transaction without an id; -1 is what stations send then.
            return call.StopTransaction(
                meter_stop=meter,
                timestamp=at,
                transaction_id=int(transaction.id or -1),
                reason=enums.Reason(_REASONS.get(reason, reason)),
                id_tag=tag,
                transaction_data=data,
            )

        def answered(answer: Any) -> None:
            if transaction.token is not None and answer.id_tag_info:
                self._station.tokens.remember(transaction.token.id_token, token_info(answer.id_tag_info))

        self._put(transaction, request, answered, delay=30.0 if "late-stop" in self._station.faults else 0.0)

    def _put(self, transaction: Transaction, request: Any, answered: Any = None, delay: float = 0.0) -> None:
        self._station.put(
            Outgoing(
                transaction=transaction.number,
                request=request,
                answered=answered or (lambda answer: None),
                delay=delay,
            )
        )

    def _meter_value(self, connector: Connector, setting: str, context: str) -> JSON:
        sampled = [
            {
                "value": f"{value:g}" if unit != "Wh" else str(int(value)),
                "context": context,
                "measurand": measurand,
                "unit": unit,
                "location": "EV" if measurand == "SoC" else "Outlet",
            }
            for measurand, value, unit in readings(connector, self._station.configuration.words(setting))
        ]
        return {"timestamp": timestamp(self._station.now()), "sampled_value": sampled}


def token_info(info: JSON) -> TokenInfo:
    """Return what an IdTagInfo says."""
    expires = info.get("expiry_date")
    return TokenInfo(
        status=info["status"],
        expires_at=moment(expires) if expires else None,
        group_id_token=info.get("parent_id_tag"),
    )
