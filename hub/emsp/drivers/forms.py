"""What a driver fills in, and everything that can be wrong with it; nothing here looks into the store.

Source: RASD-UC01, RASD-A07, X-01, X-02.
"""

import datetime
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, get_args

import msgspec

from hub.api.accounts import Email
from hub.api.passwords import NewPassword
from hub.api.problems import Fault
from hub.api.shapes import Name, Shape, pattern, within
from hub.emsp.drivers import plates
from hub.emsp.drivers.catalogue import models
from hub.ocpi.modules.locations import ConnectorType

Country = Annotated[str, pattern("^[A-Z]{2}$", "an ISO 3166-1 country of two capitals, such as NL", least=2, most=2)]
Language = Annotated[str, pattern("^[a-z]{2}$", "an ISO 639-1 language of two letters, such as en", least=2, most=2)]
Plate = Annotated[str, pattern("^[^\\u0000-\\u001f]+$", "a licence plate", most=20)]

CONNECTORS: frozenset[str] = frozenset(get_args(ConnectorType)[1].known)

_OLDEST = 120  # years
_REQUIRED = "required where no model of the catalogue is chosen"


class Person(Shape, frozen=True, kw_only=True):
    """Step one: who he is.

    Attributes:
        birth_date: as ISO 8601 writes it.
    """

    name: Name
    surname: Name
    birth_date: Annotated[str, pattern("^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "a date, such as 1990-12-31", least=10, most=10)]
    email: Email
    password: NewPassword
    password_again: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    language: Language = "en"


class VehicleForm(Shape, frozen=True, kw_only=True):
    """Step two: a vehicle, chosen from the catalogue or typed.

    Attributes:
        plate_country: ISO 3166-1 alpha-2; by default the provider's own.
        model_id: of the catalogue; then the rest may be left out.
        connectors: OCPI ConnectorTypes.
    """

    plate: Plate
    plate_country: Country | None = None
    model_id: Name | None = None
    name: Name | None = None
    battery_kwh: Annotated[Decimal, within(0.1, 1000)] | None = None
    connectors: Annotated[list[Name], msgspec.Meta(min_length=1, max_length=10)] | None = None
    max_ac_kw: Annotated[Decimal, within(0, 1000)] | None = None
    max_dc_kw: Annotated[Decimal, within(0, 5000)] | None = None


class SignUp(Shape, frozen=True, kw_only=True):
    """Both steps of a sign-up."""

    person: Person
    vehicle: VehicleForm


def person_faults(said: Mapping[str, Any], today: datetime.date, path: str = "$") -> list[Fault]:
    """Return what is wrong with a person.

    Args:
        said: those members of ``Person`` that are right by their declaration.
    """
    found = []
    if (rule := _birth_rule(said.get("birth_date"), today)) is not None:
        found.append(Fault(f"{path}.birth_date", rule))
    if "password" in said and said["password"] != said.get("password_again"):
        found.append(Fault(f"{path}.password_again", "must be the same password"))
    return found


def _birth_rule(text: str | None, today: datetime.date) -> str | None:
    if text is None:
        return None
    try:
        born = datetime.date.fromisoformat(text)
    except ValueError:
        return "must be a date that exists"
    if born >= today:
        return "must be in the past"
    return None if today.year - born.year <= _OLDEST else f"must be at most {_OLDEST} years ago"


def vehicle_faults(said: Mapping[str, Any], home: str, path: str = "$") -> list[Fault]:
    """Return what is wrong with a vehicle.

    Args:
        said: those members of ``VehicleForm`` that are right by their declaration.
        home: country of a plate that names none.
    """
    found = []
    country = said.get("plate_country") or home
    if "plate" in said and not plates.can_exist(said["plate"], country):
        found.append(Fault(f"{path}.plate", f"must be a licence plate that can exist in {country}"))
    if said.get("model_id") is not None:
        if said["model_id"] not in models():
            found.append(
                Fault(f"{path}.model_id", "must be a model of the catalogue; leave it out to type the vehicle")
            )
        return found
    typed = ("name", "battery_kwh", "connectors")
    found += [Fault(f"{path}.{name}", _REQUIRED) for name in typed if said.get(name) is None]
    unknown = [each for each in said.get("connectors") or () if each not in CONNECTORS]
    return [*found, *(Fault(f"{path}.connectors", f"{each} is no ConnectorType") for each in unknown)]
