"""Which operation a path and a method mean: a tree of segments, fixed ones before parameters.

Segments are split before they are decoded, so that an id may hold an encoded slash.
"""

from dataclasses import dataclass, field
from urllib.parse import unquote

from hub.api.declaring import Operation


@dataclass
class _Branch:
    fixed: dict[str, "_Branch"] = field(default_factory=dict)
    parameter: "_Branch | None" = None
    operations: dict[str, Operation] = field(default_factory=dict)


class Paths:
    """The paths of the API."""

    def __init__(self) -> None:
        self._root = _Branch()
        self._names: set[str] = set()

    def add(self, operation: Operation) -> None:
        """Offer an operation.

        Raises:
            ValueError: another one has its name, or its path and method.
        """
        if operation.name in self._names:
            raise ValueError(f"{operation.name}: two operations have this name")
        self._names.add(operation.name)
        branch = self._root
        for segment in operation.segments:
            if segment.startswith("{"):
                branch.parameter = branch.parameter or _Branch()
                branch = branch.parameter
            else:
                branch = branch.fixed.setdefault(segment, _Branch())
        if operation.declared.method in branch.operations:
            raise ValueError(f"{operation.declared.path}: declared twice for {operation.declared.method}")
        branch.operations[operation.declared.method] = operation

    def find(self, raw_path: str) -> tuple[dict[str, Operation], list[str]]:
        """Return the operations of a path by method, and the values of its parameters; no operations: no such path."""
        segments = [unquote(each) for each in raw_path.strip("/").split("/")]
        if any("\0" in each or "\ufffd" in each or not each for each in segments):
            return {}, []
        return _walk(self._root, segments, []) or ({}, [])


def _walk(branch: _Branch, segments: list[str], values: list[str]) -> tuple[dict[str, Operation], list[str]] | None:
    if not segments:
        return (branch.operations, values) if branch.operations else None
    first, *rest = segments
    fixed = branch.fixed.get(first)
    found = _walk(fixed, rest, values) if fixed else None
    if found is None and branch.parameter is not None:
        found = _walk(branch.parameter, rest, [*values, first])
    return found
