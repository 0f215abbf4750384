"""The objects that are sent: a Location as a CPO with a small charging park has it."""

import datetime
import json
from typing import Any

#: Stands in bodies, paths and headers for the six digits of an object's number.
NUMBER = "@@@@@@"

COUNTRY, PARTY = "NL", "ALF"
UPDATED = "2026-01-15T09:30:00Z"

_WAY = "Follow the signs to the charging bays. "


def _connector(number: int, *, fast: bool) -> dict[str, Any]:
    return {
        "id": str(number),
        "standard": "IEC_62196_T2_COMBO" if fast else "IEC_62196_T2",
        "format": "CABLE" if fast else "SOCKET",
        "power_type": "DC" if fast else "AC_3_PHASE",
        "max_voltage": 920 if fast else 400,
        "max_amperage": 500 if fast else 32,
        "max_electric_power": 300_000 if fast else 22_000,
        "tariff_ids": ["DAY", "NIGHT"],
        "last_updated": UPDATED,
    }


def _evse(number: int) -> dict[str, Any]:
    fast = number % 2 == 0
    return {
        "uid": f"EVSE{number}",
        "evse_id": f"NL*ALF*E{NUMBER}*{number}",
        "status": "AVAILABLE",
        "capabilities": ["REMOTE_START_STOP_CAPABLE", "RFID_READER", "RESERVABLE"],
        "connectors": [_connector(each, fast=fast) for each in (1, 2)],
        "floor_level": "-1",
        "coordinates": {"latitude": "52.370216", "longitude": f"4.89516{number}"},
        "physical_reference": f"Bay {number}",
        "directions": [{"language": "en", "text": "Take the second ramp and keep right."}],
        "parking_restrictions": ["EV_ONLY"],
        "last_updated": UPDATED,
    }


def location(size: int) -> bytes:
    """Return a Location (OCPI 2.2.1) of exactly ``size`` bytes of JSON, its id ending in ``NUMBER``."""
    value: dict[str, Any] = {
        "country_code": COUNTRY,
        "party_id": PARTY,
        "id": f"LOC{NUMBER}",
        "publish": True,
        "name": "Parkhuis aan de Gracht",
        "address": "Nieuwe Herengracht 1",
        "city": "Amsterdam",
        "postal_code": "1011 RK",
        "country": "NLD",
        "coordinates": {"latitude": "52.370216", "longitude": "4.895168"},
        "parking_type": "UNDERGROUND_GARAGE",
        "operator": {"name": "Alfa Charging", "website": "https://alfa.example"},
        "suboperator": {"name": "Gracht Parking"},
        "facilities": ["RESTAURANT", "TRAIN_STATION"],
        "time_zone": "Europe/Amsterdam",
        "opening_times": {
            "twentyfourseven": False,
            "regular_hours": [
                {"weekday": day, "period_begin": "06:00", "period_end": "23:30"} for day in (1, 2, 3, 4, 5, 6, 7)
            ],
            "exceptional_closings": [{"period_begin": "2026-12-25T00:00:00Z", "period_end": "2026-12-26T00:00:00Z"}],
        },
        "charging_when_closed": True,
        "images": [
            {
                "url": "https://alfa.example/img/location.png",
                "thumbnail": "https://alfa.example/img/location_s.png",
                "category": "ENTRANCE",
                "type": "png",
                "width": 1024,
                "height": 768,
            }
        ],
        "energy_mix": {
            "is_green_energy": True,
            "energy_sources": [{"source": "WIND", "percentage": 60.5}, {"source": "SOLAR", "percentage": 39.5}],
            "supplier_name": "Groene Stroom",
            "energy_product_name": "Wind en Zon",
        },
        "directions": [],
        "evses": [_evse(number) for number in (1, 2, 3)],
        "last_updated": UPDATED,
    }
    while len(_text(value)) > size and value["evses"]:
        value["evses"].pop()
    return _padded(value, size)


def _padded(value: dict[str, Any], size: int) -> bytes:
    # Directions are DisplayTexts of at most 512 characters: as many as fill the rest.
    while (missing := size - len(_text(value))) > 0:
        length = missing - len('{"language":"en","text":""}') - bool(value["directions"])
        if length <= 0:
            value["name"] += "!" * missing
            break
        length = length if length <= 512 else min(512, length - 40)  # 40: room for another
        value["directions"].append({"language": "en", "text": (_WAY * 16)[:length]})
    text = _text(value)
    assert len(text) == size, f"the sample has {len(text)} bytes, not {size}"
    return text


def evse_patch(status: str, size: int = 300) -> bytes:
    """Return a PATCH of an EVSE's status of ``size`` bytes, with a note in its directions."""
    value: dict[str, Any] = {"status": status, "directions": [{"language": "en", "text": ""}], "last_updated": UPDATED}
    value["directions"][0]["text"] = "x" * (size - len(_text(value)))
    return _text(value)


def _text(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def cdr_of_periods(count: int) -> bytes:
    """Return a CDR (OCPI 2.3.0) of periods of 20 minutes: charging across a change of price, then parking."""
    start = datetime.datetime(2026, 1, 15, 14, tzinfo=datetime.UTC)
    kwh = {"type": "ENERGY", "vat": 21.0, "step_size": 1}
    value = {
        "country_code": COUNTRY,
        "party_id": PARTY,
        "id": "8f3c1e52-6f0f-4a51-9a5e-4d7c3a1f2b11",
        "start_date_time": _z(start),
        "end_date_time": _z(start + count * _PERIOD),
        "session_id": "8f3c1e52-6f0f-4a51-9a5e-4d7c3a1f2b11",
        "cdr_token": {
            "country_code": "DE",
            "party_id": "EMP",
            "uid": "04A2B3C4D5E680",
            "type": "RFID",
            "contract_id": "DEEMPC00000012",
        },
        "auth_method": "WHITELIST",
        "cdr_location": _CDR_LOCATION,
        "currency": "EUR",
        "tariffs": [
            {
                "country_code": COUNTRY,
                "party_id": PARTY,
                "id": "DAY",
                "currency": "EUR",
                "elements": [
                    {"price_components": [{"type": "FLAT", "price": 0.5, "vat": 21.0, "step_size": 1}]},
                    {
                        "price_components": [{"price": 0.45, **kwh}],
                        "restrictions": {"start_time": "17:00", "end_time": "21:00"},
                    },
                    {
                        "price_components": [
                            {"price": 0.3, **kwh},
                            {"type": "PARKING_TIME", "price": 6.0, "vat": 21.0, "step_size": 300},
                        ]
                    },
                ],
                "tax_included": "NO",
                "last_updated": UPDATED,
            }
        ],
        "charging_periods": [_period(start + each * _PERIOD, parked=each == count - 1) for each in range(count)],
        "total_cost": {"before_taxes": 9.53, "taxes": [{"name": "VAT", "percentage": 21.0, "amount": 2.0}]},
        "total_energy": 21.8638,
        "total_time": 2.6667,
        "last_updated": UPDATED,
    }
    return json.dumps(value, separators=(",", ":")).encode()


_PERIOD = datetime.timedelta(minutes=20)

_CDR_LOCATION = {
    "id": "LOC1",
    "name": "Parkhuis aan de Gracht",
    "address": "Nieuwe Herengracht 1",
    "city": "Amsterdam",
    "postal_code": "1011 RK",
    "country": "NLD",
    "coordinates": {"latitude": "52.370216", "longitude": "4.895168"},
    "evse_uid": "EVSE2",
    "evse_id": "NL*ALF*E1*2",
    "connector_id": "1",
    "connector_standard": "IEC_62196_T2_COMBO",
    "connector_format": "CABLE",
    "connector_power_type": "DC",
}


def _period(start: datetime.datetime, *, parked: bool) -> dict[str, Any]:
    told = [("PARKING_TIME", 0.3333)] if parked else [("TIME", 0.3333), ("ENERGY", 3.1234)]
    told += [("MIN_CURRENT", 15.0), ("MAX_CURRENT", 16.5), ("MIN_POWER", 9.2), ("MAX_POWER", 9.9)]
    dimensions = [{"type": kind, "volume": volume} for kind, volume in told]
    return {"start_date_time": _z(start), "dimensions": dimensions, "tariff_id": "DAY"}


def _z(at: datetime.datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
