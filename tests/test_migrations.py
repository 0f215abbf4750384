"""The migrated schema is what the models say, on both engines, and says it with the few types both have."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tortoise.context import TortoiseContext
from tortoise.indexes import Index
from tortoise.models import Model

from hub.database import Database, open_database
from hub.database.schema import APP
from hub.migrations.__main__ import ROOMS, configuration
from tests.stores import PostgresStores

#: REAL and DOUBLE PRECISION are for degrees only: where something is on earth is no exact number.
TYPES = {"TEXT", "BIGINT", "SMALLINT", "INTEGER", "BLOB", "BYTEA", "REAL", "DOUBLE PRECISION"}

POSTGRES_COLUMNS = """
    SELECT table_name, column_name, upper(data_type), is_nullable = 'YES' FROM information_schema.columns
    WHERE table_schema = 'public'"""
POSTGRES_INDEXES = """
    SELECT t.relname, i.indisunique, i.indisprimary, array_agg(a.attname ORDER BY k.place)
    FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace
    CROSS JOIN unnest(i.indkey) WITH ORDINALITY AS k (number, place)
    JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.number
    WHERE n.nspname = 'public' GROUP BY t.relname, i.indexrelid, i.indisunique, i.indisprimary"""


@pytest.fixture(params=["sqlite", "postgres"])
async def migrated(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """A store that was empty before it was opened."""
    if request.param == "sqlite":
        database = await open_database(tmp_path)
    else:
        servers: PostgresStores = request.getfixturevalue("postgres_stores")
        database = await open_database(servers.empty())
    yield database
    await database.close()


async def columns(database: Database) -> dict[str, dict[str, tuple[str, bool]]]:
    """Return table -> column -> (type, nullable)."""
    found: dict[str, dict[str, tuple[str, bool]]] = {}
    if database.dialect == "postgres":
        for table, column, kind, nullable in await database.fetch(POSTGRES_COLUMNS):
            found.setdefault(table, {})[column] = (kind, nullable)
    else:
        for (table,) in await database.fetch("SELECT name FROM sqlite_master WHERE type = 'table'"):
            for _, column, kind, required, *_ in await database.fetch(f"PRAGMA table_info({table})"):
                found.setdefault(table, {})[column] = (plain(kind), not required)
    return {table: found[table] for table in found if not table.startswith(("sqlite_", "tortoise_"))}


async def indexes(database: Database, *, unique: bool) -> set[tuple[str, tuple[str, ...]]]:
    """Return table and columns of each index that is no primary key."""
    found = set()
    if database.dialect == "postgres":
        for table, is_unique, primary, names in await database.fetch(POSTGRES_INDEXES):
            if is_unique == unique and not primary:
                found.add((table, tuple(names)))
    else:
        for table in await columns(database):
            for _, name, is_unique, origin, *_ in await database.fetch(f"PRAGMA index_list({table})"):
                if bool(is_unique) == unique and origin != "pk":
                    rows = await database.fetch(f"PRAGMA index_info({name})")
                    found.add((table, tuple(row[2] for row in rows)))
    return {(table, names) for table, names in found if not table.startswith("tortoise_")}


async def models() -> list[type[Model]]:
    async with TortoiseContext() as context:
        await context.init(config=configuration("sqlite"), init_connections=False)
        assert context.apps is not None
        return list(context.apps[APP].values())


def plain(kind: str) -> str:
    """Return the type by the name both engines know."""
    return {"INT": "INTEGER"}.get(kind, kind)


def declared_type(model: type[Model], name: str, dialect: str) -> str:
    field = model._meta.fields_map[name]
    if dialect == "sqlite" and field.pk and field.generated:
        return "INTEGER"
    return plain(field.get_for_dialect(dialect, "SQL_TYPE"))


def declared_indexes(model: type[Model]) -> set[tuple[str, ...]]:
    return {tuple(index.fields) if isinstance(index, Index) else tuple(index) for index in model._meta.indexes}


async def test_the_columns_are_those_of_the_models(migrated: Database) -> None:
    declared = {
        model._meta.db_table: {
            name: (declared_type(model, name, migrated.dialect), field.null)
            for name, field in model._meta.fields_map.items()
        }
        for model in await models()
    }

    assert await columns(migrated) == declared


async def test_the_indexes_are_those_of_the_models(migrated: Database) -> None:
    declared = {(model._meta.db_table, names) for model in await models() for names in declared_indexes(model)}

    assert declared
    assert await indexes(migrated, unique=False) == declared


async def test_what_is_unique_is_what_the_models_say(migrated: Database) -> None:
    declared = {
        (model._meta.db_table, tuple(names)) for model in await models() for names in model._meta.unique_together
    }

    assert declared
    assert await indexes(migrated, unique=True) == declared


async def test_only_types_that_both_engines_have_are_used(migrated: Database) -> None:
    kinds: set[Any] = {kind for table in (await columns(migrated)).values() for kind, _ in table.values()}

    assert kinds <= TYPES


async def test_every_table_carries_the_name_of_its_room() -> None:
    for model in await models():
        hub, room, *_ = model.__module__.split(".")
        room = hub if room == "tables" else room
        assert model._meta.db_table.startswith(f"{room}_"), model


async def test_no_index_hides_in_a_field() -> None:
    """An index declared on an added field is never made (Tortoise ORM 1.1); Meta.indexes is the place."""
    for model in await models():
        for name, field in model._meta.fields_map.items():
            assert field.pk or not (field.index or field.unique), f"{model.__name__}.{name}"


def test_every_room_with_tables_is_migrated() -> None:
    abstract = {"hub.api.tables"}  # what the parties make their tables of
    found = {".".join(file.with_suffix("").parts) for file in Path().glob("hub/**/*tables.py")}

    assert found - abstract == set(ROOMS)
