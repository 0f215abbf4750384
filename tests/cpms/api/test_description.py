"""The operator API described: every operation, every schema, as OpenAPI 3.1 has it."""

import jsonschema_rs
import pytest
from schemathesis.specs.openapi.definitions import OPENAPI_31

from hub.api.declaring import Call, operations, route
from hub.api.openapi import describe
from hub.api.shapes import Shape
from hub.cpms.api.routes.frames import FrameRoutes
from hub.cpms.api.scopes import REALM, Scope
from hub.database import Database
from tests.clocks import ManualClock
from tests.cpms.api.conftest import House, Rooms


@pytest.fixture
def house(database: Database, clock: ManualClock) -> House:
    return House(database, clock, Rooms(database).routes)


async def test_the_description_is_openapi_3_1_and_names_every_operation(house: House) -> None:
    described = await house.stranger().get("/openapi.json")

    named = {each["operationId"] for path in described["paths"].values() for each in path.values()}

    assert list(jsonschema_rs.Draft202012Validator(OPENAPI_31).iter_errors(described)) == []
    assert named == {each.name for each in house.api.operations}
    assert described["servers"] == [{"url": "http://cpms.test/cpms/api/v1"}]
    assert described["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"


async def test_every_reference_in_the_description_leads_somewhere(house: House) -> None:
    described = await house.stranger().get("/openapi.json")

    assert (
        references(described) - {f"#/components/schemas/{name}" for name in described["components"]["schemas"]} == set()
    )


async def test_the_type_of_a_problem_leads_to_its_meaning(house: House) -> None:
    answer = await house.stranger().ask("GET", "/accounts")

    path = answer.json()["type"].removeprefix("/cpms/api/v1")

    assert (await house.stranger().get(path))["status"] == 401


def test_a_declaration_that_contradicts_its_signature_is_refused() -> None:
    class Wrong:
        tag = "wrong"

        @route("GET", "/things/{thing_id}", scope=Scope.STATIONS_READ)
        async def get_thing(self, call: Call, other_id: str) -> None:
            """Say nothing."""

    with pytest.raises(TypeError, match="its parameters"):
        operations(Wrong())


def references(value: object) -> set[str]:
    if isinstance(value, list):
        return set().union(*map(references, value)) if value else set()
    if isinstance(value, dict):
        found = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return found.union(*(references(each) for each in value.values()))
    return set()


async def test_two_declarations_of_one_name_are_found(house: House) -> None:
    class Charger(Shape, frozen=True, kw_only=True):
        """Another charger."""

        colour: str

    class Twice:
        tag = "twice"

        @route("GET", "/twice", scope=Scope.STATIONS_READ)
        async def get_twice(self, call: Call) -> Charger:
            """Answer it."""
            return Charger(colour="red")

    house.api.add(Twice())

    with pytest.raises(ValueError, match="Charger: two declarations"):
        describe(house.api.operations, REALM, "")


async def test_two_operations_of_one_name_or_place_are_refused(house: House) -> None:
    with pytest.raises(ValueError, match="two operations have this name"):
        house.api.add(FrameRoutes(house.database))
