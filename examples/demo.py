"""The demo: a hub with our CPMS and eMSP, two external platforms, a city with its chargers, and one story, checked.

Started by ``make demo``. ``DEMO=once`` ends after the story (exit code 0 if every step held, else 1
naming the step); ``PORT=`` moves all ports. Every step looks at what really arrived at the other end.
"""

import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from examples.stage import CPMS, EMSP, SAMPLE_CPO, SAMPLE_EMSP, Stage, StepFailed, console
from examples.story import booking, charging, driving, finding, joining, operating

STORY: list[tuple[str, Callable[[Stage], None]]] = [
    *joining.STEPS,
    *operating.ACCESS,
    *joining.CHARGERS,
    *finding.STEPS,
    *charging.BEGIN,
    *operating.AT_WORK,
    *charging.END,
    *charging.ABROAD,
    *booking.STEPS,
    *driving.STEPS,
    *operating.FAULTS,
]


def play(stage: Stage) -> None:
    """Play every step; raise StepFailed at the first that does not hold."""
    for number, (title, step) in enumerate(STORY, start=1):
        console.print(f"\n[bold cyan]{number}. {title}[/]", soft_wrap=True)
        try:
            step(stage)
        except (StepFailed, httpx.HTTPError, OSError, KeyError, ValueError, StopIteration) as error:
            raise StepFailed(f"step {number}, {title}: {type(error).__name__}: {error}") from error


def wait_for_end(stage: Stage) -> None:
    """Show where things are and stay up until interrupted."""
    lines = [
        f"hub            {stage.versions_url}",
        f"our CPMS       {stage.hub_url}/cpms/ocpi/versions   ({CPMS})",
        f"our eMSP       {stage.hub_url}/emsp/ocpi/versions   ({EMSP})",
        f"operator API   {stage.api_url}/openapi.json",
        f"  to try it    {stage.api_url}/docs",
        f"  its key      {stage.key}",
        f"driver API     {stage.hub_url}/emsp/api/v1/docs",
        f"chargers       {stage.ocpp_url}/ID",
        f"sample CPO     {stage.cpo_url}/state   ({SAMPLE_CPO}, OCPI 2.2.1)",
        f"sample eMSP    {stage.emsp_url}/state   ({SAMPLE_EMSP}, OCPI 2.3.0)",
        f"data           {stage.folder}",
        "",
        f"try: .venv/bin/emall party list --data {stage.folder}",
        f"     .venv/bin/emall emsp list cdrs --data {stage.folder}",
        f"     curl -H 'Authorization: Bearer {stage.key}' {stage.api_url}/stations/AC0001/status",
        "a driver, from signing up to the receipt:",
        f"     .venv/bin/python -m examples.driver {stage.hub_url} --letters {stage.folder}/letters",
        "a real charger (or examples/charger.py):",
        f"     .venv/bin/emall cpms station add MY-CHARGER --data {stage.folder}",
        f"     then {stage.ocpp_url}/MY-CHARGER, user MY-CHARGER, the password printed",
    ]
    console.rule("running; Ctrl-C ends it")
    console.print("\n".join(lines), markup=False, soft_wrap=True)
    while stage.processes[0].poll() is None:
        time.sleep(0.5)
    raise StepFailed("the hub ended by itself")


def main() -> int:
    """Play the story; return the exit code."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with tempfile.TemporaryDirectory(prefix="emall-demo-") as folder:
        stage = Stage(Path(folder), int(os.environ.get("PORT") or 8000))
        try:
            play(stage)
            console.print("\n[bold green]Every step held.[/]")
            if os.environ.get("DEMO") != "once":
                wait_for_end(stage)
        except StepFailed as error:
            console.print(f"\n[bold red]✗ {error}[/]", soft_wrap=True)
            for log in stage.logs():
                console.print(log, markup=False, soft_wrap=True)
            return 1
        except KeyboardInterrupt:
            console.print("\nended")
        finally:
            stage.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
