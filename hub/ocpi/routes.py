"""Which operation of a version a path is: a table made from the declarations."""

from hub.ocpi.interfaces import REGISTRY, Operation
from hub.ocpi.versions.steps import Version


class Route:
    """An operation, and what stands where in its path."""

    __slots__ = ("literals", "operation", "parameters")

    def __init__(self, operation: Operation) -> None:
        self.operation = operation
        segments = list(enumerate(operation.segments))
        self.literals = [(at, segment) for at, segment in segments if segment[:1] != "{"]
        self.parameters = [(segment[1:-1], at) for at, segment in segments if segment[:1] == "{"]

    def match(self, tail: list[str]) -> dict[str, str] | None:
        """Return the parameters in decoded URL segments, as many as there are; None: they are another operation's."""
        for at, literal in self.literals:
            if tail[at] != literal:
                return None
        return {name: tail[at] for name, at in self.parameters}


Endpoints = dict[tuple[str, str], dict[tuple[str, int], list[Route]]]


def endpoints_of(version: Version, offered: frozenset[tuple[str, str]] | None) -> Endpoints:
    """Return a version's operations by (role, module), then by (method, number of segments).

    A literal segment stands before a parameter: ``booking_locations`` is no booking's id.
    """
    table: Endpoints = {}
    for identifier in version.modules.intersection(REGISTRY):
        for operation in REGISTRY[identifier].operations:
            if not version.has(operation) or (offered is not None and (identifier, operation.role) not in offered):
                continue
            methods = table.setdefault((operation.role, identifier), {})
            methods.setdefault((operation.method, len(operation.segments)), []).append(Route(operation))
    for methods in table.values():
        for operations in methods.values():
            operations.sort(key=lambda each: [segment[:1] == "{" for segment in each.operation.segments])
    return table
