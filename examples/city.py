"""Lindenhaven, a city that is not there: its streets, its charging stations and what they cost.

It lies on open water off the Dutch coast, so that no coordinate is anybody's home.
"""

import random
from typing import Any

JSON = Any

CITY = "Lindenhaven"
CENTRE = (52.6140, 4.2310)  # latitude, longitude
MADE = "2026-01-01T08:00:00Z"

_STREETS = (
    "Lindenlaan", "Havenkade", "Marktplein", "Stationsweg", "Molenstraat", "Duinweg", "Kerkstraat", "Zeedijk",
    "Parkallee", "Schoolstraat", "Vuurtorenpad", "Brugstraat", "Visserskade", "Wilgenhof", "Noorderlaan",
)  # fmt: skip

#: Standard, format, power type, volts, amperes, tariff.
_PLUGS = (
    ("IEC_62196_T2", "SOCKET", "AC_3_PHASE", 230, 16, "AC"),
    ("IEC_62196_T2", "SOCKET", "AC_3_PHASE", 230, 32, "AC"),
    ("IEC_62196_T2_COMBO", "CABLE", "DC", 400, 125, "DC"),
    ("IEC_62196_T2_COMBO", "CABLE", "DC", 800, 375, "DC"),
)


def internal_locations(count: int = 60) -> list[JSON]:
    """Return the Locations of the hub's own CPMS."""
    return [_location("NL", "CPO", number, random.Random(number)) for number in range(1, count + 1)]


def internal_tariffs() -> list[JSON]:
    """Return the Tariffs of the hub's own CPMS, in 2.3.0."""
    return [_tariff("NL", "CPO", "AC", 0.39, 0.0), _tariff("NL", "CPO", "DC", 0.59, 0.35)]


def external_locations(count: int = 12) -> list[JSON]:
    """Return the Locations of the sample CPO."""
    return [_location("BE", "CPX", number, random.Random(1000 + number)) for number in range(1, count + 1)]


def external_tariffs() -> list[JSON]:
    """Return the Tariffs of the sample CPO; 2.2.1 knows no tax_included."""
    made = [_tariff("BE", "CPX", "AC", 0.45, 0.0), _tariff("BE", "CPX", "DC", 0.49, 0.0)]
    return [{name: value for name, value in each.items() if name != "tax_included"} for each in made]


def _location(country_code: str, party_id: str, number: int, chance: random.Random) -> JSON:
    street = _STREETS[number % len(_STREETS)]
    identifier = f"{party_id}-{number:03}"
    return {
        "country_code": country_code, "party_id": party_id, "id": identifier, "publish": True,
        "name": f"{street} {chance.choice(('P+R', 'garage', 'square', 'corner'))}",
        "address": f"{street} {chance.randint(1, 180)}", "city": CITY, "postal_code": f"{1900 + number} LH",
        "country": "NLD",
        "coordinates": {
            "latitude": f"{CENTRE[0] + chance.uniform(-0.02, 0.02):.6f}",
            "longitude": f"{CENTRE[1] + chance.uniform(-0.035, 0.035):.6f}",
        },
        "parking_type": chance.choice(("ON_STREET", "PARKING_GARAGE", "PARKING_LOT")),
        "evses": [_evse(country_code, party_id, number, place, chance) for place in range(1, chance.randint(2, 4))],
        "operator": {"name": "Lindenhaven Laadt" if party_id == "CPO" else "Sample CPO"},
        "time_zone": "Europe/Amsterdam", "opening_times": {"twentyfourseven": True}, "last_updated": MADE,
    }  # fmt: skip


def _evse(country_code: str, party_id: str, number: int, place: int, chance: random.Random) -> JSON:
    standard, format_, power_type, volts, amperes, tariff = chance.choice(_PLUGS)
    return {
        "uid": f"{party_id}-{number:03}-{place}", "evse_id": f"{country_code}*{party_id}*E{number:03}*{place}",
        "status": "AVAILABLE",
        "capabilities": [
            "REMOTE_START_STOP_CAPABLE", "RFID_READER", "RESERVABLE", "UNLOCK_CAPABLE", "CHARGING_PROFILE_CAPABLE",
            "CHARGING_PREFERENCES_CAPABLE",
        ],
        "physical_reference": str(place),
        "connectors": [{
            "id": "1", "standard": standard, "format": format_, "power_type": power_type, "max_voltage": volts,
            "max_amperage": amperes, "tariff_ids": [tariff], "last_updated": MADE,
        }],
        "last_updated": MADE,
    }  # fmt: skip


def _tariff(country_code: str, party_id: str, identifier: str, per_kwh: float, start: float) -> JSON:
    components = [{"type": "ENERGY", "price": per_kwh, "vat": 21, "step_size": 1}]
    if start:
        components.append({"type": "FLAT", "price": start, "vat": 21, "step_size": 1})
    return {
        "country_code": country_code, "party_id": party_id, "id": identifier, "currency": "EUR", "type": "REGULAR",
        "tariff_alt_text": [{"language": "en", "text": f"{per_kwh:.2f} EUR per kWh, without VAT"}],
        "elements": [{"price_components": components}], "tax_included": "NO", "last_updated": MADE,
    }  # fmt: skip
