"""Where a driver may charge on his contract: at CPOs his provider works with, where drivers of his class may."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Contract:
    """What a contract lets a driver use; without anything said, everything.

    Attributes:
        others: whether the provider works with CPOs that are not named.
        named: CC-PID of those with whom it is the other way round.
        countries: ISO 3166-1 alpha-3; empty: all.
        locations: ``CC-PID/LOCATION`` in upper case, and then no others; empty: all of the countries.
    """

    others: bool = True
    named: frozenset[str] = frozenset()
    countries: frozenset[str] = frozenset()
    locations: frozenset[str] = frozenset()

    def works_with(self, owner: str) -> bool:
        """Return whether the provider works with a CPO."""
        return self.others is not (owner in self.named)

    def accepts(self, owner: str, location_id: str, country: str | None) -> bool:
        """Return whether the driver may charge at a Location of a country."""
        if not self.works_with(owner):
            return False
        if self.locations:
            return f"{owner}/{location_id}".upper() in self.locations
        return not self.countries or country in self.countries

    def comparisons(self) -> Iterator[tuple[Any, ...]]:
        """Yield the same over the columns of the index, each comparison with what is compared."""
        if self.others and self.named:
            yield "p.owner NOT IN ({all})", *sorted(self.named)
        elif not self.others:
            yield ("p.owner IN ({all})", *sorted(self.named)) if self.named else ("1 = 0",)
        if self.locations:
            yield "p.owner || '/' || p.location_id IN ({all})", *sorted(self.locations)
        elif self.countries:
            yield "p.country IN ({all})", *sorted(self.countries)
