"""Counters of this process, in the text format Prometheus reads.

Source: Prometheus text exposition format 0.0.4.
"""

from collections.abc import Callable, Hashable, Iterator

_MANY = 1_000  # hops of a kind counted together

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Counter:
    """A number that only grows, one for each combination of labels.

    Args:
        name: as Prometheus knows it; by its custom ends in ``_total``.
        description: one line.
        labels: names of what tells the numbers apart.
    """

    def __init__(self, name: str, description: str, *labels: str) -> None:
        self.name = name
        self.description = description
        self.labels = labels
        self._values: dict[tuple[Hashable, ...], float] = {}

    def add(self, *values: Hashable, amount: float = 1) -> None:
        """Count; ``values`` are the labels' and become text only when somebody reads them."""
        self._values[values] = self._values.get(values, 0) + amount

    def of(self, *values: Hashable) -> float:
        """Return the number for these values of the labels."""
        return self._values.get(values, 0)

    def lines(self) -> Iterator[str]:
        """Yield it in the text format, a line for each combination of labels."""
        written: dict[tuple[str, ...], float] = {}
        for values, number in self._values.items():
            text = tuple(map(str, values))
            written[text] = written.get(text, 0) + number
        for text, number in sorted(written.items()):
            pairs = ",".join(f'{name}="{_escape(value)}"' for name, value in zip(self.labels, text, strict=True))
            yield f"{self.name}{{{pairs}}} {number:.15g}" if pairs else f"{self.name} {number:.15g}"


class Metrics:
    """The counters of a process, and gauges that are read when somebody asks."""

    def __init__(self) -> None:
        self._counters: dict[str, Counter] = {}
        self._gauges: dict[str, tuple[str, Callable[[], float]]] = {}
        self._hops = self.counter("emall_hops_total", "Hops of messages.", "direction", "operation", "outcome")
        self._seconds = self.counter("emall_hop_seconds_total", "Time hops took.", "direction", "operation")
        self._taken: dict[tuple[Hashable, ...], list[float]] = {}  # milliseconds of hops not counted yet

    def hop(self, direction: str, operation: Hashable, outcome: Hashable, ms: float) -> None:
        """Count a hop that took so many milliseconds; many are counted at once, off the way of the message."""
        taken = self._taken.get((direction, operation, outcome))
        if taken is None:
            taken = self._taken[direction, operation, outcome] = []
        taken.append(ms)
        if len(taken) >= _MANY:
            self._count()

    def _count(self) -> None:
        for (direction, operation, outcome), taken in self._taken.items():
            self._hops.add(direction, operation, outcome, amount=len(taken))
            self._seconds.add(direction, operation, amount=sum(taken) / 1000)
        self._taken.clear()

    @property
    def hops(self) -> Counter:
        """Every hop of every message, by direction, operation and outcome (the OCPI status code)."""
        self._count()
        return self._hops

    @property
    def seconds(self) -> Counter:
        """How long they took, in seconds."""
        self._count()
        return self._seconds

    def counter(self, name: str, description: str, *labels: str) -> Counter:
        """Return a new counter.

        Raises:
            ValueError: there is one of this name.
        """
        self._refuse_twice(name)
        counter = self._counters[name] = Counter(name, description, *labels)
        return counter

    def gauge(self, name: str, description: str, read: Callable[[], float]) -> None:
        """Add a number that goes up and down.

        Raises:
            ValueError: there is one of this name.
        """
        self._refuse_twice(name)
        self._gauges[name] = (description, read)

    def _refuse_twice(self, name: str) -> None:
        if name in self._counters or name in self._gauges:
            raise ValueError(f"metric {name} is there already")

    def text(self) -> str:
        """Return everything in the text format."""
        self._count()
        lines: list[str] = []
        for counter in self._counters.values():
            lines += (f"# HELP {counter.name} {counter.description}", f"# TYPE {counter.name} counter")
            lines += counter.lines()
        for name, (description, read) in self._gauges.items():
            lines += (f"# HELP {name} {description}", f"# TYPE {name} gauge", f"{name} {read():.15g}")
        return "\n".join(lines) + "\n"


def _escape(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
