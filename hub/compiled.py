"""The way of a message as machine code: modules compiled by mypyc, used where they fit (decision 0012).

``python -m hub.compiling`` compiles; ``emall serve`` uses what was compiled, if it was made from these very sources and
for this very Python, and else the sources themselves. So no compiled file can be out of date: a source that is
changed is what runs, until it is compiled anew. ``EMALL_COMPILED=0`` leaves them aside.
"""

import hashlib
import importlib.machinery
import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent
FOLDER = Path(__file__).resolve().parent / "_compiled"

#: What a routed request passes. Declarations (of objects, rows, settings) stay as they are: they are read at run time.
MODULES = (
    "hub.credentials.connections",
    "hub.credentials.endpoints",
    "hub.credentials.presence",
    "hub.front",
    "hub.hops",
    "hub.http",
    "hub.metrics",
    "hub.keeping",
    "hub.ocpi.bodies",
    "hub.ocpi.codec",
    "hub.ocpi.exchanges",
    "hub.ocpi.ids",
    "hub.ocpi.judging",
    "hub.ocpi.lanes",
    "hub.ocpi.messages",
    "hub.ocpi.modules.comparing",
    "hub.ocpi.pricing.courses",
    "hub.ocpi.pricing.elements",
    "hub.ocpi.pricing.limits",
    "hub.ocpi.pricing.pricing",
    "hub.ocpi.pricing.restrictions",
    "hub.ocpi.pricing.steps",
    "hub.ocpi.pricing.stretches",
    "hub.ocpi.pricing.taxes",
    "hub.ocpi.remote",
    "hub.ocpi.routes",
    "hub.ocpi.server",
    "hub.ocpi.strings",
    "hub.ocpi.wire.connection",
    "hub.ocpi.wire.guard",
    "hub.ocpi.wire.lines",
    "hub.ocpi.wire.pool",
    "hub.ocpi.wire.sending",
    "hub.router",
    "hub.trace",
)


class _Finder:
    """Finds compiled modules by name."""

    def __init__(self, files: dict[str, Path]) -> None:
        self._files = files

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        file = self._files.get(fullname)
        if file is None:
            return None
        return importlib.util.spec_from_file_location(fullname, file)


def use() -> bool:
    """Have the compiled modules imported from now on; return whether there are any that fit."""
    if os.environ.get("EMALL_COMPILED") == "0" or not FOLDER.is_dir():
        return False
    folder = FOLDER / fingerprint()
    files = {_name(file, folder): file for file in folder.rglob(f"*{_suffix()}")}
    if not files:
        return False
    if early := sys.modules.keys() & files.keys():
        raise RuntimeError(f"imported before its compiled form could be: {', '.join(sorted(early))}")
    sys.meta_path.insert(0, _Finder(files))
    return True


def fingerprint() -> str:
    """Return what the compiled files hang on: all our sources, since types cross modules, and the Python."""
    digest = hashlib.sha256(f"{sys.version} {_suffix()} {sys.prefix}".encode())
    for source in sorted(ROOT.joinpath("hub").rglob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def _name(file: Path, folder: Path) -> str:
    return ".".join(file.relative_to(folder).parts).removesuffix(_suffix())


def _suffix() -> str:
    return importlib.machinery.EXTENSION_SUFFIXES[0]
