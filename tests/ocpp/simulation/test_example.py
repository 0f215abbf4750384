"""The example charger connects, boots and charges by remote control."""

import asyncio
import sys
from pathlib import Path

from tests.ocpp.simulation.central import Central


async def test_the_example_charger_charges(central: Central) -> None:
    central.password = "a password it has"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "examples.charger", central.url, "CHARGER-1", "--password", central.password,
        cwd=Path(__file__).parents[3], stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(20):
            await _until(lambda: central.statuses() == ["Available"])
            started = await central.send("CHARGER-1", "RemoteStartTransaction", id_tag="CARD-1")
            await _until(lambda: central.statuses()[-1] == "Charging")
            stopped = await central.send("CHARGER-1", "RemoteStopTransaction", transaction_id=1)
            await _until(lambda: central.of("StopTransaction") and central.statuses()[-1] == "Available")
    finally:
        process.kill()
        await process.communicate()

    assert (started.status, stopped.status) == ("Accepted", "Accepted")
    assert central.of("StartTransaction")[0]["id_tag"] == "CARD-1"


async def _until(holds) -> None:
    while not holds():
        await asyncio.sleep(0.02)
