"""Runs the real command in a process of its own, as a script does."""

import asyncio
import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from hub.cli import run

PROGRAM = (sys.executable, "-m", "hub")


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    code: int
    stdout: str
    stderr: str

    @property
    def value(self) -> Any:
        """The one JSON value on stdout."""
        return json.loads(self.stdout)

    def refused(self, code: int, said: str) -> None:
        """Assert that it failed with this exit code, nothing on stdout and one line on stderr that holds this."""
        assert (self.code, self.stdout) == (code, ""), self
        assert self.stderr.count("\n") == 1 and self.stderr.startswith("emall: "), self
        assert said in self.stderr, self
        assert "; " in self.stderr, f"no remedy: {self}"


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return this environment with no variables of ours but these."""
    return {name: text for name, text in os.environ.items() if not name.startswith("EMALL_")} | dict(variables)


def emall(*arguments: str, stdin: bytes = b"", **variables: str) -> Outcome:
    """Run a command to its end."""
    done = subprocess.run(
        [*PROGRAM, *arguments], input=stdin, capture_output=True, timeout=60, check=False, env=environment(variables)
    )
    return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())


def emall_inside(*arguments: str, **variables: str) -> Outcome:
    """Run a command in this process, which is faster where no more is asked of it than that it refuses."""
    stdout, stderr = io.StringIO(), io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(stdout),
        contextlib.redirect_stderr(stderr),
    ):
        patch.setattr(os, "environ", environment(variables))
        code = run(arguments)
    return Outcome(code, stdout.getvalue(), stderr.getvalue())


async def emall_beside(*arguments: str, **variables: str) -> Outcome:
    """Run a command while this process goes on, as the server it speaks to."""
    return await asyncio.to_thread(emall, *arguments, **variables)
