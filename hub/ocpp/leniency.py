"""What is let pass of makes of stations that are known to get it wrong.

Strict is the rule. For a vendor's model an operator may grant leniencies by name; they mend a payload that hurts the
schema, before it is judged again, and cost nothing where it does not. Which a station needed is recorded with it, so
that an operator sees whom to ask for better firmware. The log has every frame as it came.
"""

import datetime
import re
from collections.abc import Callable, Mapping
from typing import Any

from hub.database.contract import Database, Transaction
from hub.database.works import Also, followed
from hub.ocpp.boots import Identity

#: Told when grants have changed.
CHANNEL = "ocpp_leniency"

_PASSES = 8  # one mended value may bring the next fault to light

_DROP = object()
_LEAVE = object()


def _number_of_text(value: Any, rule: Any) -> Any:
    wanted = {str(each) for each in getattr(rule, "types", None) or []}
    if not isinstance(value, str) or not wanted & {"number", "integer"}:
        return _LEAVE
    if re.fullmatch(r"\s*[+-]?\d{1,18}(\.0*)?\s*", value):
        return int(value.split(".")[0])
    if "number" in wanted and re.fullmatch(r"\s*[+-]?\d{1,18}(\.\d{1,18})?([eE][+-]?\d{1,2})?\s*", value):
        return float(value)
    return _LEAVE


def _text_of_number(value: Any, rule: Any) -> Any:
    wanted = {str(each) for each in getattr(rule, "types", None) or []}
    if "string" in wanted and isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return _LEAVE


def _absent(value: Any, rule: Any) -> Any:
    return _DROP if value is None else _LEAVE


def _with_zone(value: Any, rule: Any) -> Any:
    if not isinstance(value, str) or rule.format != "date-time":
        return _LEAVE
    try:
        at = datetime.datetime.fromisoformat(value.strip())
    except ValueError:
        return _LEAVE
    at = at if at.tzinfo is not None else at.replace(tzinfo=datetime.UTC)
    return at.astimezone(datetime.UTC).isoformat().replace("+00:00", "Z")


def _right_case(value: Any, rule: Any) -> Any:
    if not isinstance(value, str):
        return _LEAVE
    found = [each for each in rule.options if isinstance(each, str) and each.lower() == value.strip().lower()]
    return found[0] if len(found) == 1 else _LEAVE


def _known_fields(value: Any, rule: Any) -> Any:
    return {name: each for name, each in value.items() if name not in set(rule.unexpected)}


Mend = Callable[[Any, Any], Any]

#: Name -> the rule of the schema it is about, and what a value becomes.
LENIENCIES: Mapping[str, tuple[str, Mend]] = {
    "numbers-as-texts": ("type", _number_of_text),
    "texts-as-numbers": ("type", _text_of_number),
    "nulls": ("type", _absent),
    "times-without-zone": ("format", _with_zone),
    "case-of-enums": ("enum", _right_case),
    "unknown-fields": ("additionalProperties", _known_fields),
}


def mended(validator: Any, payload: Any, granted: frozenset[str]) -> tuple[Any, set[str]]:
    """Return the payload with what is granted mended, and the names of those that were needed.

    What is not granted, or cannot be mended, is left for the judge.
    """
    used: set[str] = set()
    for _ in range(_PASSES):
        changed = False
        for error in list(validator.iter_errors(payload)):
            payload, name = _mend(payload, list(error.instance_path), error.kind, granted)
            if name is not None:
                used.add(name)
                changed = True
        if not changed:
            break
    return payload, used


def _mend(payload: Any, path: list[Any], rule: Any, granted: frozenset[str]) -> tuple[Any, str | None]:
    try:
        value = payload
        for step in path:
            value = value[step]
    except (KeyError, IndexError, TypeError):
        return payload, None  # Another mend of this pass has taken it away.
    for name in granted:
        about, mend = LENIENCIES[name]
        if about == rule.name and (new := mend(value, rule)) is not _LEAVE:
            return _put(payload, path, new), name
    return payload, None


def _put(payload: Any, path: list[Any], new: Any) -> Any:
    if not path:
        return {} if new is _DROP else new
    parent = payload
    for step in path[:-1]:
        parent = parent[step]
    if new is _DROP:
        del parent[path[-1]]
    else:
        parent[path[-1]] = new
    return payload


class Leniencies:
    """The grants by vendor and model, as the store has them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._granted: dict[tuple[str, str], frozenset[str]] = {}

    async def load(self) -> None:
        """Read the grants anew."""
        self._granted = {(vendor, model): names for vendor, model, names in await self.all()}

    def of(self, identity: Identity) -> frozenset[str]:
        """Return what a make is granted: by its model, and by its vendor for all models."""
        if not self._granted:
            return frozenset()
        nobody: frozenset[str] = frozenset()
        of_model = self._granted.get((identity.vendor, identity.model), nobody)
        return of_model | self._granted.get((identity.vendor, ""), nobody)

    async def all(self) -> list[tuple[str, str, frozenset[str]]]:
        """Return all grants: vendor, model ("" for all), names."""
        rows = await self._database.fetch("SELECT vendor, model, names FROM ocpp_leniency ORDER BY vendor, model")
        return [(vendor, model, frozenset(names.split(","))) for vendor, model, names in rows]

    async def grant(self, vendor: str, model: str, names: frozenset[str], *, also: Also[None] | None = None) -> None:
        """Grant a make exactly these leniencies; none: it is strict again.

        Args:
            also: written with it, in its transaction.
        """

        async def work(tx: Transaction) -> None:
            await tx.execute("DELETE FROM ocpp_leniency WHERE vendor = $1 AND model = $2", vendor, model)
            if names:
                await tx.execute(
                    "INSERT INTO ocpp_leniency (vendor, model, names) VALUES ($1, $2, $3)",
                    vendor, model, ",".join(sorted(names)),
                )  # fmt: skip
            tx.notify(CHANNEL)

        await self._database.transact(followed(work, also))
