"""The command line: what a script may rely on is that 0 is done, 1 refused or failed, 2 wrong use or setting.

An error is one line on stderr that ends with a remedy. Commands import what they need when they run, for most need
little: ``emall --help`` loads neither database nor HTTP.
"""

import contextlib
import gc
import os
import sys
from collections.abc import Sequence

INTERRUPTED = 130  # what typer makes of Ctrl-C


def main() -> None:
    """Run the command of this process and leave with its exit code."""
    gc.set_threshold(50_000, 20, 20)  # importing makes many objects that stay: looking through them takes a tenth of it
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; an error is told on stderr."""
    try:
        from hub.cli.commands import app

        code = app(list(arguments), prog_name="emall", standalone_mode=False)
        sys.stdout.flush()
        return _say("interrupted; give the command again to finish", 1) if code == INTERRUPTED else code or 0
    except BrokenPipeError:  # the reader had enough, as head has
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if os.environ.get("EMALL_DEBUG"):
            raise
        return _say(*_explain(error))


def _explain(error: Exception) -> tuple[str, int]:
    """Return what to say of an error, and the exit code."""
    from typer import Abort, TyperException

    from hub.settings import BadSetting

    if isinstance(error, TyperException):
        return _usage(error), error.exit_code
    if isinstance(error, BadSetting):
        return str(error), 2
    if isinstance(error, Abort):
        return "interrupted; give the command again to finish", 1
    return _explain_failure(error)


def _explain_failure(error: Exception) -> tuple[str, int]:
    """Return what to say of an error of a room; most errors are found before the rooms are even loaded."""
    from hub.credentials.admin import BadOption, NoSuchConnection
    from hub.database import DatabaseUnavailable
    from hub.ocpi.errors import OcpiError
    from hub.orders import NoServer, Refused

    if isinstance(error, DatabaseUnavailable | BadOption):
        return str(error), 2
    if isinstance(error, NoServer):
        return "no server runs on this store; start one with 'emall serve' on the same --data or --database", 2
    if isinstance(error, Refused):
        return str(error), error.exit
    if isinstance(error, NoSuchConnection):
        return str(error), 1
    if isinstance(error, OcpiError):
        return f"{error} (OCPI status {error.status_code}); 'emall doctor' tells how things are", 1
    return f"unexpected {type(error).__name__}: {error}; run again with EMALL_DEBUG=1 and report what it shows", 1


def _usage(error: Exception) -> str:
    """Return typer's own complaint with the page that helps."""
    message = error.format_message() if hasattr(error, "format_message") else str(error)
    context = getattr(error, "ctx", None)
    return f"{message.rstrip('.')}; see '{context.command_path} --help'" if context is not None else message


def _say(message: str, code: int) -> int:
    print("emall:", " ".join(message.split()), file=sys.stderr)
    return code
