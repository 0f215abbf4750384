"""What happens when a store, its disk, its server or its neighbour is not as it should be."""

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.database import Database, DatabaseUnavailable, Transaction, lock_server, open_database
from hub.database.schema import APPLIED, FOLDER
from tests.stores import PostgresStores, SqliteStores

INSERT = "INSERT INTO test (k, n) VALUES ($1, 1)"


async def make_table(database: Database) -> None:
    blob = {"sqlite": "BLOB", "postgres": "BYTEA"}[database.dialect]

    async def work(tx: Transaction) -> None:
        await tx.execute(f"CREATE TABLE test (k TEXT PRIMARY KEY, n BIGINT, v {blob})")

    await database.transact(work)


async def put(database: Database, key: str) -> None:
    async def work(tx: Transaction) -> None:
        await tx.execute(INSERT, key)

    await database.transact(work)


def run_child(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "tests.database_child", *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout


async def refusal(store: str | Path) -> str:
    """Open a store that cannot be opened; return the one line said."""
    with pytest.raises(DatabaseUnavailable) as refused:
        await open_database(store)
    text = str(refused.value)
    assert "\n" not in text
    return text


async def test_a_fresh_folder_becomes_a_store_without_loading_the_orm(tmp_path: Path) -> None:
    assert run_child("modules", str(tmp_path / "new" / "data")) == "[]\n"
    assert run_child("modules", str(tmp_path / "new" / "data")) == "[]\n"


async def test_processes_that_start_together_on_a_fresh_store_migrate_it_once(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.database_child", "modules", str(tmp_path)]
    children = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(4)]

    assert [await asyncio.to_thread(child.wait, 30) for child in children] == [0] * 4
    database = await open_database(tmp_path)
    names = sorted(file.stem for file in FOLDER.glob("[0-9]*.py"))
    assert sorted(await database.fetch(APPLIED)) == [(name,) for name in names]
    await database.close()


async def test_a_store_killed_while_it_was_migrated_opens_again(tmp_path: Path) -> None:
    for delay in range(8):
        folder = tmp_path / str(delay)
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.database_child", "modules", str(folder)], stdout=subprocess.DEVNULL
        )
        while not (folder / "emall.db").exists():
            await asyncio.sleep(0.001)
        await asyncio.sleep(delay * 0.001)
        process.kill()
        process.wait(10)

        database = await open_database(folder)
        assert await database.fetch("SELECT count(*) FROM hub_channel") == [(0,)]
        await database.close()


async def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "emall.db"
    file.write_bytes(b"a letter to my landlord, much longer than a header" * 100)
    before = file.read_bytes()

    assert "not an SQLite file; move it away" in await refusal(tmp_path)
    assert file.read_bytes() == before


async def test_the_database_of_another_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    foreign = sqlite3.connect(tmp_path / "emall.db")
    foreign.execute("CREATE TABLE recipes (name TEXT)")
    foreign.close()

    assert "belongs to another program; choose another data folder" in await refusal(tmp_path)


async def test_a_damaged_store_is_refused_with_a_remedy(tmp_path: Path, sqlite_stores: SqliteStores) -> None:
    sqlite_stores.fresh(tmp_path)
    file = tmp_path / "emall.db"
    content = bytearray(file.read_bytes())
    content[100:8192] = os.urandom(8092)
    file.write_bytes(content)

    assert "damaged; restore it from a backup" in await refusal(tmp_path)


async def test_a_folder_that_cannot_be_made_is_refused_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    assert "choose another data folder" in await refusal(tmp_path / "file" / "data")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
def test_a_folder_that_may_not_be_written_is_refused_with_a_remedy(tmp_path: Path) -> None:
    script = (
        "import asyncio, os, sys; from hub.database import open_database, DatabaseUnavailable\n"
        "os.setuid(65534)\n"
        "try: asyncio.run(open_database(sys.argv[1]))\n"
        "except DatabaseUnavailable as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", script, "/usr"], capture_output=True, text=True, check=True)

    assert "write permission" in done.stdout


async def test_a_store_of_a_newer_emall_is_refused(store: str) -> None:
    database = await open_database(store)

    async def work(tx: Transaction) -> None:
        await tx.execute(
            "INSERT INTO tortoise_migrations (app, name, applied_at) VALUES ('emall', '9999_later', CURRENT_TIMESTAMP)"
        )

    await database.transact(work)
    await database.close()

    assert "written by a newer emall (it has 9999_later)" in await refusal(store)


@pytest.mark.parametrize("url", ["mysql://localhost/emall", "sqlite:///data", "http://localhost"])
async def test_another_kind_of_store_is_refused(url: str) -> None:
    assert "give postgres://... or a data folder" in await refusal(url)


@pytest.mark.parametrize("url", ["postgres://emall@127.0.0.1:1/emall", "postgres://emall@127.0.0.1:notaport/emall"])
async def test_a_server_that_is_not_there_is_refused_with_a_remedy(url: str) -> None:
    assert "URL" in await refusal(url)


async def test_a_database_that_is_not_there_is_refused_with_a_remedy(postgres_stores: PostgresStores) -> None:
    assert "create it or correct the URL" in await refusal(postgres_stores.server.url("nowhere"))


async def test_a_full_disk_fails_the_works_and_the_store_recovers(tmp_path: Path, sqlite_stores: SqliteStores) -> None:
    folder = sqlite_stores.fresh(tmp_path / "data")
    database = await open_database(folder)
    await make_table(database)
    await database.close()

    refused, message, kept = run_child("fill_disk", str(folder)).splitlines()

    assert refused == "refused 8"
    assert "free" in message
    assert kept == "kept [(1, '100')]"


async def test_a_data_folder_has_one_server_until_that_dies(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.database_child", "hold", str(tmp_path)]
    holder = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"

    with pytest.raises(DatabaseUnavailable, match="another server runs on it"), lock_server(tmp_path):
        pass

    holder.send_signal(signal.SIGKILL)
    holder.wait(10)
    holder.stdout.close()
    with lock_server(tmp_path):
        pass


async def test_one_of_several_nodes_leads_and_another_takes_over(postgres_stores: PostgresStores) -> None:
    url = postgres_stores.fresh()
    first, second = await open_database(url), await open_database(url)

    assert [await first.try_lead(), await second.try_lead(), await first.try_lead()] == [True, False, True]

    await first.close()
    async with asyncio.timeout(2):
        while not await second.try_lead():
            await asyncio.sleep(0.01)
    await second.close()


@pytest.fixture
def restarting(postgres_stores: PostgresStores) -> Iterator[PostgresStores]:
    """The server, running again whatever the test did to it."""
    yield postgres_stores
    if not postgres_stores.server.running:
        postgres_stores.server.start()


async def test_a_server_that_crashed_costs_nothing_acknowledged_and_comes_back(restarting: PostgresStores) -> None:
    database = await open_database(restarting.fresh())
    said: list[str] = []
    database.listen("news", said.append)
    await make_table(database)
    await asyncio.gather(*(put(database, str(number)) for number in range(20)))

    restarting.server.stop()
    with pytest.raises(DatabaseUnavailable, match="see that it runs"):
        await put(database, "away")
    with pytest.raises(DatabaseUnavailable, match="see that it runs"):
        await database.fetch("SELECT 1")
    assert not await database.try_lead()

    restarting.server.start()
    await put(database, "back")
    assert len(await database.fetch("SELECT k FROM test")) == 21
    async with asyncio.timeout(5):
        while not said:
            await asyncio.sleep(0.01)
    assert said == [""]
    await database.close()


async def test_works_in_the_middle_of_a_lost_connection_fail_and_leave_nothing(postgres_stores: PostgresStores) -> None:
    url = postgres_stores.fresh()
    database, killer = await open_database(url), await open_database(url)
    await make_table(database)

    async def cut(tx: Transaction) -> None:
        await tx.execute(INSERT, "half")
        ((pid,),) = await tx.fetch("SELECT pg_backend_pid()")
        await killer.fetch("SELECT pg_terminate_backend($1)", pid)
        await tx.execute(INSERT, "whole")

    async def plain(tx: Transaction) -> None:
        await tx.execute(INSERT, "before")

    outcomes = await asyncio.gather(*map(database.transact, (plain, cut, plain)), return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [DatabaseUnavailable] * 3
    assert await database.fetch("SELECT k FROM test") == []
    await put(database, "next")
    await database.close()
    await killer.close()


async def test_a_work_that_waits_for_something_else_is_refused(tmp_path: Path, sqlite_stores: SqliteStores) -> None:
    database = await open_database(sqlite_stores.fresh(tmp_path))
    await make_table(database)

    async def waits(tx: Transaction) -> None:
        await tx.execute(INSERT, "undone")
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="awaits nothing but its transaction"):
        await database.transact(waits)

    assert await database.fetch("SELECT k FROM test") == []
    await database.close()


async def test_a_backup_copied_back_opens(tmp_path: Path, sqlite_stores: SqliteStores) -> None:
    folder = sqlite_stores.fresh(tmp_path / "data")
    database = await open_database(folder)
    await make_table(database)
    await put(database, "a")
    await database.close()

    shutil.copytree(folder, tmp_path / "copy")

    copy = await open_database(tmp_path / "copy")
    assert await copy.fetch("SELECT k FROM test") == [("a",)]
    await copy.close()
