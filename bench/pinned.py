"""Who runs where: what is measured on one core, what loads it on another."""

import os


def pin(core: int) -> None:
    """Stay on a core, counted among those this process may use; where there is but one, share it."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[core % len(cores)]})
