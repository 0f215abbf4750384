"""Who runs where: what is measured on one core, what loads it on another."""

import os


def pin(core: int, pid: int = 0) -> None:
    """Keep a process (0: this one), all its threads, on a core of those we may use; where there is one, share it."""
    cores = sorted(os.sched_getaffinity(0))
    if pid == 0:
        os.sched_setaffinity(0, {cores[core % len(cores)]})
        return
    for thread in os.listdir(f"/proc/{pid}/task"):
        os.sched_setaffinity(int(thread), {cores[core % len(cores)]})
