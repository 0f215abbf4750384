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
_AC = ("IEC_62196_T2", "SOCKET", "AC_3_PHASE", 230, 32, "AC")
_DC = ("IEC_62196_T2_COMBO", "CABLE", "DC", 800, 500, "DC")
_PLUGS = (
    ("IEC_62196_T2", "SOCKET", "AC_3_PHASE", 230, 16, "AC"), _AC,
    ("IEC_62196_T2_COMBO", "CABLE", "DC", 400, 125, "DC"), _DC,
)  # fmt: skip


def internal_locations(count: int = 60) -> list[JSON]:
    """Return the Locations of the hub's own CPMS.

    At every other one stands a charging station for AC, AC0001 and so on, between them one for DC, DC0001 and so
    on. Each has two EVSEs, whose uids are its id and 1 or 2: by that the CPMS knows where a station stands.
    """
    return [_location("NL", "CPO", number, random.Random(number)) for number in range(1, count + 1)]


def internal_tariffs() -> list[JSON]:
    """Return the Tariffs of the hub's own CPMS, in 2.3.0: DC is paid by the hour, too."""
    return [_tariff("NL", "CPO", "AC", 0.39, 0.20), _tariff("NL", "CPO", "DC", 0.59, 0.35, 3.60)]


def stations(count: int = 60) -> str:
    """Return a CSV of the charging stations at these Locations, a line for each connector."""
    places = "location_id,evse_uid,connector_id,station_id,station_evse,station_connector"
    lines = [f"{places},vendor,model,protocol,max_power"]
    for location in internal_locations(count):
        for place, evse in enumerate(location["evses"], start=1):
            station, _, _ = evse["uid"].rpartition("-")
            kind = "Simulated AC,1.6,44" if station.startswith("AC") else "Simulated DC,2.0.1,800"
            lines.append(f"{location['id']},{evse['uid']},1,{station},{place},1,emall,{kind}")
    return "\n".join(lines) + "\n"


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
        "evses": _evses(country_code, party_id, number, chance),
        "operator": {"name": "Lindenhaven Laadt" if party_id == "CPO" else "Sample CPO"},
        "time_zone": "Europe/Amsterdam", "opening_times": {"twentyfourseven": True}, "last_updated": MADE,
    }  # fmt: skip


def _evses(country_code: str, party_id: str, number: int, chance: random.Random) -> list[JSON]:
    if party_id == "CPO":
        station = f"{'AC' if number % 2 else 'DC'}{(number + 1) // 2:04}"
        names = [(f"{station}-{place}", _AC if number % 2 else _DC) for place in (1, 2)]
    else:
        names = [(f"{party_id}-{number:03}-{place}", chance.choice(_PLUGS)) for place in range(1, chance.randint(2, 4))]
    return [_evse(uid, f"{country_code}*{party_id}*E{uid.replace('-', '*')}", plug) for uid, plug in names]


def _evse(uid: str, evse_id: str, plug: tuple[str, str, str, int, int, str]) -> JSON:
    standard, format_, power_type, volts, amperes, tariff = plug
    return {
        "uid": uid, "evse_id": evse_id, "status": "AVAILABLE",
        "capabilities": [
            "REMOTE_START_STOP_CAPABLE", "RFID_READER", "RESERVABLE", "UNLOCK_CAPABLE", "CHARGING_PROFILE_CAPABLE",
            "CHARGING_PREFERENCES_CAPABLE",
        ],
        "physical_reference": uid[-1],
        "connectors": [{
            "id": "1", "standard": standard, "format": format_, "power_type": power_type, "max_voltage": volts,
            "max_amperage": amperes, "tariff_ids": [tariff], "last_updated": MADE,
        }],
        "last_updated": MADE,
    }  # fmt: skip


def _tariff(
    country_code: str, party_id: str, identifier: str, per_kwh: float, start: float, per_hour: float = 0.0
) -> JSON:
    prices = {"ENERGY": per_kwh, "FLAT": start, "TIME": per_hour}
    components = [{"type": kind, "price": price, "vat": 21, "step_size": 1} for kind, price in prices.items() if price]
    return {
        "country_code": country_code, "party_id": party_id, "id": identifier, "currency": "EUR", "type": "REGULAR",
        "tariff_alt_text": [{"language": "en", "text": f"{per_kwh:.2f} EUR per kWh, without VAT"}],
        "elements": [{"price_components": components}], "tax_included": "NO", "last_updated": MADE,
    }  # fmt: skip
