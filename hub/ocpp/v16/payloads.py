"""Values both versions share, in the words of 1.6.

Source: OCPP 1.6 edition 2, AuthorizationStatus, AuthorizationData, IdTagInfo, ChargingProfile, ChargingSchedule.
"""

import json
from collections.abc import Sequence

from hub.ocpp.commands import InvalidCommand, NotSpoken
from hub.ocpp.locallists import Entry
from hub.ocpp.sending import periods_of, present, tenths
from hub.ocpp.times import date_time
from hub.ocpp.words import ChargingProfile, IdToken, JSONObject, TokenInfo, TokenStatus, id_tag

#: How 1.6 says what it has no word for. Invalid is a tag nobody knows; Blocked is one that is known and may not
#: charge. Its stations ask again for every status that is not Accepted, so neither outlasts its reason.
_STATUSES: dict[TokenStatus, str] = {
    "NoCredit": "Blocked",
    "NotAllowedTypeEVSE": "Blocked",
    "NotAtThisLocation": "Blocked",
    "NotAtThisTime": "Blocked",
    "Unknown": "Invalid",
}

_PURPOSES = {
    "ChargingStationMaxProfile": "ChargePointMaxProfile",
    "TxDefaultProfile": "TxDefaultProfile",
    "TxProfile": "TxProfile",
}


def id_tag_info(info: TokenInfo) -> JSONObject:
    """Return what became of a token, as IdTagInfo."""
    return present(
        status=_STATUSES.get(info.status, info.status),
        expiryDate=date_time(info.expires_at) if info.expires_at else None,
        parentIdTag=id_tag(info.group_id_token) if info.group_id_token else None,
    )


def local_list(version: int, entries: Sequence[Entry], kind: str) -> JSONObject:
    """Return a SendLocalList; a list of nobody is left out."""
    listed = [_list_entry(token, info) for token, info in entries]
    return present(listVersion=version, localAuthorizationList=listed or None, updateType=kind)


def _list_entry(token: IdToken, info: TokenInfo | None) -> JSONObject:
    """Return an entry of a local list, as AuthorizationData; without info it is to be removed."""
    return present(idTag=id_tag(token.id_token), idTagInfo=id_tag_info(info) if info else None)


def transaction_number(transaction_id: str) -> int:
    """Return a transaction's number.

    Raises:
        InvalidCommand: it is none, so no transaction of 1.6.
    """
    try:
        return int(transaction_id)
    except ValueError:
        raise InvalidCommand(f"transaction {transaction_id[:50]}: transactions of 1.6 have numbers") from None


def purpose_of(purpose: str) -> str:
    """Return a ChargingProfilePurposeType.

    Raises:
        NotSpoken: 1.6 has no such purpose.
    """
    if purpose not in _PURPOSES:
        raise NotSpoken(f"OCPP 1.6 has no charging profiles of purpose {purpose[:50]}")
    return _PURPOSES[purpose]


def charging_profile(profile: ChargingProfile) -> JSONObject:
    """Return a ChargingProfile of 1.6.

    Raises:
        NotSpoken: 1.6 has no such purpose.
        InvalidCommand: its transaction has no number.
    """
    return present(
        chargingProfileId=profile.id,
        transactionId=transaction_number(profile.transaction_id) if profile.transaction_id is not None else None,
        stackLevel=profile.stack_level,
        chargingProfilePurpose=purpose_of(profile.purpose),
        chargingProfileKind=profile.kind,
        recurrencyKind=profile.recurrency,
        validFrom=date_time(profile.valid_from) if profile.valid_from else None,
        validTo=date_time(profile.valid_to) if profile.valid_to else None,
        chargingSchedule=_schedule(profile),
    )


def _schedule(profile: ChargingProfile) -> JSONObject:
    periods = [
        present(startPeriod=each.start, limit=tenths(each.limit), numberPhases=each.phases) for each in profile.periods
    ]
    return present(
        duration=profile.duration,
        startSchedule=date_time(profile.start_at) if profile.start_at else None,
        chargingRateUnit=profile.unit,
        chargingSchedulePeriod=periods,
        minChargingRate=tenths(profile.min_charging_rate) if profile.min_charging_rate is not None else None,
    )


def composite_schedule(answer: JSONObject, duration: int) -> JSONObject:
    """Return the ``schedule`` of an answered GetCompositeSchedule; nothing where there is none.

    Args:
        duration: as asked for, in seconds; a schedule need not repeat it.
    """
    told = answer.get("chargingSchedule")
    if told is None:
        return {}
    return {
        "schedule": {
            "start_at": answer.get("scheduleStart") or told.get("startSchedule"),
            "duration": told.get("duration", duration),
            "unit": told["chargingRateUnit"],
            "periods": periods_of(told["chargingSchedulePeriod"]),
        }
    }


def text_of(data: object) -> str:
    """Return a vendor's data as 1.6 carries them: text; all else is written as JSON."""
    return data if isinstance(data, str) else json.dumps(data)
