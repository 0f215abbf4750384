"""Values both versions share, in the words of 2.0.1.

Source: OCPP 2.0.1 part 2, IdTokenType, IdTokenInfoType, MessageContentType, ChargingProfileType, ChargingScheduleType,
EVSEType, ComponentType, VariableType.
"""

from collections.abc import Sequence

from hub.ocpp.dialects import Call
from hub.ocpp.locallists import Entry
from hub.ocpp.sending import periods_of, present, tenths
from hub.ocpp.times import date_time
from hub.ocpp.words import EVSE, ChargingProfile, IdToken, JSONObject, TokenInfo

#: Characters of a message for the driver (MessageContentType.content; 1024 in 2.1).
_MESSAGE = 512


def evse_of(call: Call, told: JSONObject | None) -> EVSE | None:
    """Return the place an EVSEType names."""
    if told is None:
        return None
    return EVSE(station_id=call.station_id, evse_id=int(told["id"]), connector_id=int(told.get("connectorId") or 0))


def evse_type(evse: EVSE | None) -> JSONObject | None:
    """Return a place as EVSEType; None for the whole station."""
    if evse is None or not evse.evse_id:
        return None
    return present(id=evse.evse_id, connectorId=evse.connector_id or None)


def token_of(told: JSONObject | None) -> IdToken | None:
    """Return the token an IdTokenType is."""
    if told is None:
        return None
    additional = tuple((each["additionalIdToken"], each["type"]) for each in told.get("additionalInfo") or ())
    return IdToken(id_token=told["idToken"], type=told["type"], additional=additional)


def id_token(token: IdToken) -> JSONObject:
    """Return a token as IdTokenType."""
    additional = [{"additionalIdToken": identifier, "type": kind} for identifier, kind in token.additional]
    return present(idToken=token.id_token, type=token.type, additionalInfo=additional or None)


def group_id_token(group: str | None) -> JSONObject | None:
    """Return a group as IdTokenType; its kind is ours to give, for stations only compare it."""
    return {"idToken": group, "type": "Central"} if group else None


def id_token_info(info: TokenInfo) -> JSONObject:
    """Return what became of a token, as IdTokenInfoType."""
    return present(
        status=info.status,
        cacheExpiryDateTime=date_time(info.expires_at) if info.expires_at else None,
        chargingPriority=info.charging_priority,
        language1=info.language,
        evseId=list(info.evse_ids) or None,
        groupIdToken=group_id_token(info.group_id_token),
        personalMessage=message_content(info.message, info.language),
    )


def message_content(text: str | None, language: str | None = None) -> JSONObject | None:
    """Return a message for the driver as MessageContentType, cut to what one may have."""
    return present(format="UTF8", language=language, content=text[:_MESSAGE]) if text else None


def local_list(version: int, entries: Sequence[Entry], kind: str) -> JSONObject:
    """Return a SendLocalList; a list of nobody is left out."""
    listed = [_list_entry(token, info) for token, info in entries]
    return present(versionNumber=version, localAuthorizationList=listed or None, updateType=kind)


def _list_entry(token: IdToken, info: TokenInfo | None) -> JSONObject:
    """Return an entry of a local list, as AuthorizationData; without info it is to be removed."""
    return present(idToken=id_token(token), idTokenInfo=id_token_info(info) if info else None)


def charging_profile(profile: ChargingProfile) -> JSONObject:
    """Return a ChargingProfileType. Its one schedule has the profile's own id."""
    return present(
        id=profile.id,
        stackLevel=profile.stack_level,
        chargingProfilePurpose=profile.purpose,
        chargingProfileKind=profile.kind,
        recurrencyKind=profile.recurrency,
        validFrom=date_time(profile.valid_from) if profile.valid_from else None,
        validTo=date_time(profile.valid_to) if profile.valid_to else None,
        transactionId=profile.transaction_id,
        chargingSchedule=[_schedule(profile)],
    )


def _schedule(profile: ChargingProfile) -> JSONObject:
    periods = [
        present(startPeriod=each.start, limit=tenths(each.limit), numberPhases=each.phases) for each in profile.periods
    ]
    return present(
        id=profile.id,
        startSchedule=date_time(profile.start_at) if profile.start_at else None,
        duration=profile.duration,
        chargingRateUnit=profile.unit,
        chargingSchedulePeriod=periods,
        minChargingRate=tenths(profile.min_charging_rate) if profile.min_charging_rate is not None else None,
    )


def composite_schedule(answer: JSONObject) -> JSONObject:
    """Return the ``schedule`` of an answered GetCompositeSchedule; nothing where there is none."""
    told = answer.get("schedule")
    if told is None:
        return {}
    return {
        "schedule": {
            "start_at": told.get("scheduleStart"),
            "duration": told["duration"],
            "unit": told["chargingRateUnit"],
            "periods": periods_of(told["chargingSchedulePeriod"]),
        }
    }
