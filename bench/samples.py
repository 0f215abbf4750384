"""The objects that are sent: a Location as a CPO with a small charging park has it."""

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
