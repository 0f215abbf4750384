"""Settings are refused with a remedy, or brought to one form; ids are fixed at the first start."""

import dataclasses
import inspect
import stat
from pathlib import Path
from typing import Any

import pytest

from hub.cli import serving
from hub.cpms.alarmrules import Thresholds
from hub.cpms.assembly import rules_of, status_rules_of, thresholds_of
from hub.cpms.statuskeeping import StatusRules
from hub.database import Database
from hub.recorded import database_of, record_settings, recorded_settings, settle_ids
from hub.settings import FINE, TEXTS, BadSetting, Settings, checked, fine_settings
from tests.cli.conftest import ON_BOTH
from tests.hubs import ROOT


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rooms": frozenset({"hub", "lobby"})}, "--rooms: 'lobby' is no room"),
        ({"rooms": frozenset()}, "--rooms is empty"),
        ({"hub_id": "NLHUB"}, "--hub-id 'NLHUB' is not CC-PID"),
        ({"hub_id": "N-HUB"}, "is not CC-PID"),
        ({"cpo_id": "NL-TOOLONG"}, "--cpo-id 'NL-TOOLONG' is not CC-PID"),
        ({"emsp_id": "NL-ÄBC"}, "is not CC-PID"),
        ({"emsp_id": "NL-HUB"}, "--emsp-id is the hub's own id"),
        ({"public_url": "hub.example.com"}, "--public-url 'hub.example.com' is no http or https URL"),
        ({"public_url": "ftp://hub.example.com"}, "is no http or https URL"),
        ({"public_url": "http://"}, "is no http or https URL"),
        ({"public_url": "http://h:99999"}, "is no http or https URL"),
        ({"public_url": "http://[::1"}, "is no http or https URL"),
        ({"public_url": "http://user@h"}, "may carry no user"),
        ({"public_url": "http://h/?a=b"}, "may carry no user, query or fragment"),
        ({"public_url": "http://h /"}, "holds characters a URL cannot"),
        ({"public_url": "http://" + "h" * 200}, "more than 120"),
        ({"database": "mysql://h/d"}, "--database is no PostgreSQL URL"),
        ({"host": ""}, "--host is empty"),
        ({"cpms": "abacus"}, "--cpms 'abacus' is not known"),
        ({"cpms": "rest"}, "give --cpms-url and --cpms-key"),
        ({"cpms_url": "http://cpms"}, "give --cpms rest"),
        ({"operation_centre": "centre"}, "--operation-centre 'centre' is no http or https URL"),
        ({"cpms": "rest", "cpms_url": "cpms", "cpms_key": "k"}, "--cpms-url 'cpms' is no http or https URL"),
        ({"hub_url": "http://hub/ocpi/versions"}, "--hub is for rooms without a hub"),
        ({"hub_token": "abc", "rooms": frozenset({"cpms"})}, "--hub-token needs --hub"),
    ],
)
def test_a_setting_that_cannot_be_used_is_one_line_with_a_remedy(change: dict[str, Any], message: str) -> None:
    with pytest.raises(BadSetting) as caught:
        checked(Settings(**change))

    assert message in str(caught.value)
    assert "; " in str(caught.value) and "\n" not in str(caught.value)


def test_ids_are_capitals_and_the_public_url_has_no_slash_at_its_end() -> None:
    settings = checked(Settings(hub_id="de-hub", public_url="https://hub.example.com/roaming/"))

    assert (settings.hub_id, settings.public_url) == ("DE-HUB", "https://hub.example.com/roaming")


@pytest.mark.parametrize(
    ("host", "given", "public"),
    [
        ("127.0.0.1", "", "http://127.0.0.1:8123"),
        ("::1", "", "http://[::1]:8123"),
        ("127.0.0.1", "https://hub.example.com", "https://hub.example.com"),
    ],
)
def test_the_public_url_is_where_it_is_served_unless_given(host: str, given: str, public: str) -> None:
    served = Settings(host=host, port=0, public_url=given).served_at(8123)

    assert (served.port, served.public_url) == (8123, public)


def test_every_fine_setting_has_a_variable() -> None:
    environment = {f"EMALL_{name.upper()}": "2000" for name in FINE}

    found = fine_settings(environment)

    assert found == dict.fromkeys(FINE, 2000)
    assert all(type(value) is type(getattr(Settings(), name)) for name, value in found.items())


def test_the_page_of_settings_says_what_each_is_without_the_environment() -> None:
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in (ROOT / "docs" / "settings.md").read_text().splitlines()
        if line.startswith("| `EMALL_")
    ]
    told = {name.strip("`"): (default, least) for name, default, least, _ in rows}

    assert len(told) == len(rows)
    numbers = {
        f"EMALL_{name.upper()}": (f"{getattr(Settings, name):.15g}", f"{least:g}") for name, least in FINE.items()
    }
    texts = {f"EMALL_{name.upper()}": (getattr(Settings, name), "") for name in TEXTS}
    assert told == numbers | texts | {"EMALL_LOG_LEVEL": ("WARNING", ""), "EMALL_COMPILED": ("1", "")}


def test_when_an_evse_shows_that_its_station_is_away_and_an_alarm_is_raised_is_the_operators_choice() -> None:
    environment = {
        "EMALL_STATUS_GRACE": "30", "EMALL_OFFLINE_INOPERATIVE": "1", "EMALL_ALARM_OFFLINE": "600",
        "EMALL_ALARM_SILENT": "60", "EMALL_ALARM_HOT": "65.5", "EMALL_LONGEST_SESSION": "7200",
        "EMALL_COST_EVERY": "10",
    }  # fmt: skip
    settings = Settings(**fine_settings(environment))

    limits = rules_of(settings).limits
    assert status_rules_of(settings) == StatusRules(grace=30, offline="INOPERATIVE")
    assert thresholds_of(settings) == Thresholds(offline=600, silent=60, hot=65.5)
    assert (limits.longest, limits.cost) == (7200, 10)


@pytest.mark.parametrize("pattern", ["{emsp}-{quarter}", "x" * 40, "{emsp}" * 7, "Rechnung \u2116"])
def test_an_invoice_reference_that_no_cdr_can_carry_is_refused(pattern: str) -> None:
    with pytest.raises(BadSetting, match=r"EMALL_INVOICE_REFERENCE=.* is no reference of 39 characters; give one"):
        checked(Settings(invoice_reference=pattern))


def test_every_setting_has_an_option_or_a_variable() -> None:
    options = set(inspect.signature(serving.serve).parameters)
    renamed = {"hub_url": "hub"}
    settings = {renamed.get(field.name, field.name) for field in dataclasses.fields(Settings)} - {"given"}

    assert settings - options - set(FINE) - set(TEXTS) == set()


@pytest.mark.parametrize("text", ["x", "1.5", "nan", "-1", "29", "1e3"])
def test_a_fine_setting_that_cannot_be_used_names_its_variable(text: str) -> None:
    with pytest.raises(BadSetting, match=r"EMALL_CALLBACK_DAYS=.* is not a whole number of at least 30; correct"):
        fine_settings({"EMALL_CALLBACK_DAYS": text})


@ON_BOTH
async def test_ids_are_fixed_at_the_first_start(database: Database) -> None:
    await settle_ids(database, Settings(hub_id="DE-HUB", given=frozenset({"hub_id"})))

    later = await settle_ids(database, Settings())
    assert (later.hub_id, later.cpo_id) == ("DE-HUB", "NL-CPO")
    with pytest.raises(BadSetting, match="--hub-id NL-XYZ: it is DE-HUB in this store since the first start"):
        await settle_ids(database, Settings(hub_id="NL-XYZ", given=frozenset({"hub_id"})))


@ON_BOTH
async def test_the_id_of_a_room_that_never_ran_is_not_fixed(database: Database) -> None:
    await settle_ids(database, Settings(rooms=frozenset({"hub"})))

    later = await settle_ids(database, Settings(cpo_id="DE-ABC", given=frozenset({"cpo_id"})))

    assert later.cpo_id == "DE-ABC"


@ON_BOTH
async def test_rooms_with_no_hub_to_register_at_fix_nothing(database: Database) -> None:
    with pytest.raises(BadSetting, match="--rooms cpms needs a hub to register at; give --hub"):
        await settle_ids(database, Settings(rooms=frozenset({"cpms"})))

    assert await database.fetch("SELECT name FROM hub_setting") == []


@ON_BOTH
async def test_what_a_server_ran_with_is_read_back_without_its_secrets(database: Database, tmp_path: Path) -> None:
    ran = Settings(
        data=tmp_path, rooms=frozenset({"cpms"}), hub_url="http://h/versions", hub_token="TOKEN_A", forward_timeout=1.5
    ).served_at(8123)

    assert await recorded_settings(database) is None
    await record_settings(database, ran)

    assert await recorded_settings(database) == dataclasses.replace(ran, hub_token=None)
    values = await database.fetch("SELECT value FROM hub_setting")
    assert not any("TOKEN_A" in value for (value,) in values)


@ON_BOTH
async def test_the_data_folder_of_a_hub_on_postgres_leads_to_its_store(database: Database, tmp_path: Path) -> None:
    await record_settings(database, Settings(data=tmp_path, database="postgres://u:secret@h/d"))

    assert database_of(tmp_path) == "postgres://u:secret@h/d"
    assert stat.S_IMODE((tmp_path / "database.url").stat().st_mode) == 0o600

    await record_settings(database, Settings(data=tmp_path))
    assert database_of(tmp_path) is None
