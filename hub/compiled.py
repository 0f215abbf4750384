"""The way of a message as machine code: modules compiled by mypyc, used where they fit (decision 0012).

``python -m hub.compiled`` compiles; ``emall serve`` uses what was compiled, if it was made from these very sources and
for this very Python, and else the sources themselves. So no compiled file can be out of date: a source that is
changed is what runs, until it is compiled anew. ``EMALL_COMPILED=0`` leaves them aside.
"""

import hashlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
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

_GROUP = "emall"  # what they share is compiled as emall__mypyc


class _Finder(importlib.abc.MetaPathFinder):
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
    digest = hashlib.sha256(f"{sys.version} {sysconfig.get_platform()} {sys.prefix}".encode())
    for source in sorted(ROOT.joinpath("hub").rglob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def _name(file: Path, folder: Path) -> str:
    return ".".join(file.relative_to(folder).parts).removesuffix(_suffix())


def _suffix() -> str:
    return importlib.machinery.EXTENSION_SUFFIXES[0]


def compile_modules() -> Path:
    """Compile, unless it was done, and return where the files are.

    Raises:
        OSError, RuntimeError: there is no compiler, or it failed.
    """
    folder = FOLDER / fingerprint()
    if folder.is_dir():
        return folder
    shutil.rmtree(FOLDER, ignore_errors=True)  # former ones fit nothing any more
    with tempfile.TemporaryDirectory(prefix="emall-") as made:
        sources = [name.replace(".", "/") + ".py" for name in MODULES]
        done = subprocess.run(  # noqa: S603  our own script on our own sources
            [sys.executable, "-c", _BUILD, _GROUP, made, *sources],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError((done.stdout + done.stderr).strip()[-2000:])
        shutil.copytree(Path(made) / "lib", FOLDER / "new")
    (FOLDER / "new").rename(folder)
    return folder


#: In a process of its own, for setuptools changes the one it runs in.
_BUILD = """
import os, sys
from setuptools import Distribution
from mypyc.build import mypycify
group, folder, *sources = sys.argv[1:]
os.environ.setdefault("CFLAGS", "-O2 -g0 -w")
modules = mypycify(sources, group_name=group, target_dir=folder + "/c", opt_level="2", debug_level="0")
build = Distribution({"name": group, "ext_modules": modules}).get_command_obj("build_ext")
build.build_lib, build.build_temp = folder + "/lib", folder + "/c"
build.ensure_finalized()
build.run()
"""


def main() -> int:
    """Compile; where that cannot be, say why: everything works without."""
    try:
        folder = compile_modules()
    except (OSError, RuntimeError) as error:
        print(f"not compiled, so it runs as plain Python: {error}", file=sys.stderr)
        return 1
    print(f"compiled: {folder.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
