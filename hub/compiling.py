"""``python -m hub.compiling`` compiles the way of a message (decision 0012); a server starts without this."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from hub.compiled import FOLDER, MODULES, ROOT, fingerprint

_GROUP = "emall"  # what they share is compiled as emall__mypyc


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
os.environ.setdefault("CFLAGS", "-O3 -g0 -w")
modules = mypycify(sources, group_name=group, target_dir=folder + "/c", opt_level="3", debug_level="0")
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
