"""Triggers, logs and certificates of 1.6, in the words of 2.0.1.

Each exists twice in 1.6, plain and as a security extension, and 2.0.1 has other names for some.

Source: OCPP 1.6 edition 2, Trigger Message, Get Diagnostics; Improved security for OCPP 1.6-J, ExtendedTriggerMessage,
GetLog, GetInstalledCertificateIds.
"""

import datetime
from collections.abc import Sequence

from hub.ocpp.commands import Answer, CallRefused, NotSpoken
from hub.ocpp.sending import Sender, present
from hub.ocpp.times import date_time
from hub.ocpp.words import EVSE

#: What 2.0.1 calls otherwise. What becomes of a transaction is told by MeterValues.
_TRIGGERS = {
    "SignChargingStationCertificate": "SignChargePointCertificate",
    "TransactionEvent": "MeterValues",
}

#: What only ExtendedTriggerMessage knows; all else goes by TriggerMessage, which every station has.
_EXTENDED = frozenset({"LogStatusNotification", "SignChargePointCertificate"})

_CERTIFICATES = {
    "CSMSRootCertificate": "CentralSystemRootCertificate",
    "CentralSystemRootCertificate": "CentralSystemRootCertificate",
    "ManufacturerRootCertificate": "ManufacturerRootCertificate",
}

#: How a station says that it lacks a message.
_UNKNOWN_ACTION = ("NotImplemented", "NotSupported")


async def trigger(sender: Sender, message: str, evse: EVSE | None) -> Answer:
    """Have a message sent now."""
    requested = _TRIGGERS.get(message, message)
    action = "ExtendedTriggerMessage" if requested in _EXTENDED else "TriggerMessage"
    connector_id = evse.evse_id if evse and evse.evse_id else None
    return await sender.order(action, present(requestedMessage=requested, connectorId=connector_id))


async def get_log(
    sender: Sender,
    *,
    kind: str,
    location: str,
    request_id: int,
    oldest_at: datetime.datetime | None,
    latest_at: datetime.datetime | None,
) -> Answer:
    """Have a log uploaded, by GetDiagnostics where the station has no GetLog."""
    oldest = date_time(oldest_at) if oldest_at else None
    latest = date_time(latest_at) if latest_at else None
    log = present(remoteLocation=location, oldestTimestamp=oldest, latestTimestamp=latest)
    try:
        return await sender.order("GetLog", {"log": log, "logType": kind, "requestId": request_id})
    except CallRefused as refused:
        if refused.code not in _UNKNOWN_ACTION or kind != "DiagnosticsLog":
            raise
    answer = await sender.ask("GetDiagnostics", present(location=location, startTime=oldest, stopTime=latest))
    # Without a file name there is nothing to upload (GetDiagnostics.conf).
    return Answer(status="Accepted" if answer.get("fileName") else "Rejected", payload=answer)


def certificate_type(kind: str) -> str:
    """Return a kind of root certificate in 1.6's words.

    Raises:
        NotSpoken: 1.6 has none of the kind.
    """
    if kind not in _CERTIFICATES:
        raise NotSpoken(f"OCPP 1.6 installs no {kind[:50]}")
    return _CERTIFICATES[kind]


async def installed_certificates(sender: Sender, kinds: Sequence[str]) -> Answer:
    """Ask for each kind, which 1.6 does one by one, and answer in 2.0.1's form: certificateHashDataChain."""
    chain = []
    for kind in kinds or ("CSMSRootCertificate", "ManufacturerRootCertificate"):
        answer = await sender.ask("GetInstalledCertificateIds", {"certificateType": certificate_type(kind)})
        hashes = answer.get("certificateHashData") or []
        chain += [{"certificateType": kind, "certificateHashData": each} for each in hashes]
    if not chain:
        return Answer(status="NotFound", payload={"status": "NotFound"})
    return Answer(status="Accepted", payload={"status": "Accepted", "certificateHashDataChain": chain})
