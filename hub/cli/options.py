"""The options commands share, and how each option has its variable: ``--hub-id`` is also ``EMALL_HUB_ID``."""

from pathlib import Path
from typing import Annotated, Any

import typer


def option(name: str, help: str, **rest: Any) -> Any:  # noqa: A002 -- typer's word
    """Return an option that the environment can set too."""
    return typer.Option(name, help=help, envvar="EMALL_" + name.removeprefix("--").replace("-", "_").upper(), **rest)


Data = Annotated[Path, option("--data", "Folder of the embedded store and the keys.", metavar="DIR")]
DatabaseURL = Annotated[
    str | None, option("--database", "Store on PostgreSQL, postgres://user:password@host:port/name.", metavar="URL")
]
AsJson = Annotated[bool, option("--json", "Print one JSON value and nothing else.")]

DATA = Path("data")
