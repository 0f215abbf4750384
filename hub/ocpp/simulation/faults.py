"""Faults a simulated station can have, by name; what is random about them comes from a seed."""

from collections.abc import Iterable

#: Every fault and what it does.
FAULTS = {
    "drop": "the link is lost now and then, and comes back after a while",
    "duplicate": "every transaction message is told twice, the second time under a new message id",
    "lost-answer": "the first answer to every transaction message is lost, so it is told again under a new message id",
    "late-meter": "meter values are kept back and told five at a time",
    "late-stop": "the end of a transaction is told 30 seconds after its connector's status",
    "power-loss": "the power fails during a transaction and returns after a while",
    "clock-skew": "the clock is 7 minutes ahead, and stays so whatever it is told",
    "rollover": "the meter has 6 digits and begins at 0 again during the first transaction",
    "unplugged": "nobody plugs in after a remote start",
    "faulted": "a connector has a ground failure now and then",
    "refusing": "remote starts are rejected",
    "mute": "no CALL of the central system is answered",
}


class UnknownFault(ValueError):
    """There is no fault of this name."""


def named(names: str | Iterable[str]) -> frozenset[str]:
    """Return the faults of a comma-separated text or of several names.

    Raises:
        UnknownFault: with the name and those there are.
    """
    words = names.split(",") if isinstance(names, str) else list(names)
    found = frozenset(word.strip() for word in words if word.strip())
    if unknown := sorted(found - FAULTS.keys()):
        raise UnknownFault(f"there is no fault {unknown[0]!r}; there are {', '.join(FAULTS)}")
    return found
