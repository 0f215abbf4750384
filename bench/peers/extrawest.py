"""extrawest_ocpi with CRUD in memory, as its documentation shows it."""

# ruff: noqa: D101, A002  what it shows is how one writes this without us

import logging
from typing import Any

from py_ocpi import get_application
from py_ocpi.core.authentication.authenticator import Authenticator
from py_ocpi.core.crud import Crud
from py_ocpi.core.enums import ModuleID, RoleEnum
from py_ocpi.modules.versions.enums import VersionNumber

logging.disable(logging.CRITICAL)

TOKEN = "bench"
locations: dict[str, dict[str, Any]] = {}


class Memory(Crud):
    @classmethod
    async def get(cls, module: Any, role: Any, id: str, *args: Any, **kwargs: Any) -> Any:
        return locations.get(id)

    @classmethod
    async def list(cls, module: Any, role: Any, filters: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        start, end = filters["offset"], filters["offset"] + filters["limit"]
        found = list(locations.values())[start:end]
        return found, len(locations), end >= len(locations)

    @classmethod
    async def create(cls, module: Any, role: Any, data: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        locations[data["id"]] = data
        return data

    @classmethod
    async def update(cls, module: Any, role: Any, data: dict[str, Any], id: str, *args: Any, **kwargs: Any) -> Any:
        locations[id] = data
        return data

    @classmethod
    async def delete(cls, module: Any, role: Any, id: str, *args: Any, **kwargs: Any) -> Any:
        locations.pop(id, None)

    @classmethod
    async def do(cls, *args: Any, **kwargs: Any) -> Any:
        return None


class Tokens(Authenticator):
    @classmethod
    async def get_valid_token_c(cls) -> "list[str]":
        return [TOKEN]

    @classmethod
    async def get_valid_token_a(cls) -> "list[str]":
        return []


app = get_application(
    version_numbers=[VersionNumber.v_2_2_1],
    roles=[RoleEnum.cpo, RoleEnum.emsp],
    crud=Memory,
    modules=[ModuleID.locations],
    authenticator=Tokens,
)
