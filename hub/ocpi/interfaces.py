"""How an OCPI module is declared: its owner, its interfaces, their operations.

    module = Module("tokens", owner="EMSP", broadcast=True)
    authorize = module.sender.post("/{token_uid}/authorize", body=LocationReferences, data=AuthorizationInfo)

From these declarations come the routes of the server, the URLs of the client, the judgement of
bodies, the version details and the OpenAPI description.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

InterfaceRole = Literal["SENDER", "RECEIVER"]
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Role = Literal["CPO", "EMSP", "HUB", "NAP", "NSP", "OTHER", "SCSP"]

CLIENT_OWNED = "/{country_code}/{party_id}"


@dataclass(frozen=True, eq=False)
class Operation:
    """One method on one endpoint of a module's sender or receiver interface.

    Attributes:
        path: URL segments after the module's endpoint URL, parameters in braces.
        body: the declared object sent, if any.
        body_optional: whether the body may be left out (authorize without LocationReferences).
        data: the declared object answered, if any.
        paginated: whether ``data`` is a list in pages.
        response_url: where a URL for a later, asynchronous result stands, if there is one.
        query_required: query parameters without which the request is refused.
        query_typed: declared types of known query parameters (their strings are judged as these).
        result: whether this operation delivers such a later result to a lent response_url.
        owned: whether the URL names the owner: a Client Owned Object.
        pushes: whether the operation tells an owned object to a Receiver (and may be broadcast).
    """

    module: str
    role: InterfaceRole
    method: Method
    path: str
    body: Any = None
    body_optional: bool = False
    data: Any = None
    paginated: bool = False
    response_url: Literal["body", "query"] | None = None
    query_required: tuple[str, ...] = ()
    query_typed: tuple[tuple[str, Any], ...] = ()
    result: bool = False
    segments: tuple[str, ...] = field(init=False)
    owned: bool = field(init=False)
    pushes: bool = field(init=False)

    def __post_init__(self) -> None:
        owned = self.path.startswith(CLIENT_OWNED)
        object.__setattr__(self, "segments", tuple(self.path.split("/")[1:]))
        object.__setattr__(self, "owned", owned)
        object.__setattr__(self, "pushes", self.role == "RECEIVER" and owned and self.method != "GET")

    def match(self, segments: list[str]) -> dict[str, str] | None:
        """Return the parameters if these decoded URL segments are this operation's path."""
        if len(segments) != len(self.segments):
            return None
        found: dict[str, str] = {}
        for declared, given in zip(self.segments, segments, strict=True):
            if declared[:1] == "{":
                found[declared[1:-1]] = given
            elif declared != given:
                return None
        return found

    def __str__(self) -> str:
        return f"{self.method} {self.module}.{self.role.lower()}{self.path}"


class Interface:
    """A sender's or receiver's half of a module, declared operation by operation."""

    def __init__(self, module: str, role: InterfaceRole) -> None:
        self.module = module
        self.role: InterfaceRole = role
        self.operations: list[Operation] = []

    def get(self, path: str, data: Any, **rest: Any) -> Operation:
        return self._add("GET", path, data=data, **rest)

    def list(self, path: str, data: Any, **rest: Any) -> Operation:
        """GET of a list in pages; ``data`` is the declared object of one element."""
        return self._add("GET", path, data=list[data], paginated=True, **rest)

    def put(self, path: str, body: Any, data: Any = None, **rest: Any) -> Operation:
        return self._add("PUT", path, body=body, data=data, **rest)

    def patch(self, path: str, body: Any, **rest: Any) -> Operation:
        return self._add("PATCH", path, body=body, **rest)

    def post(self, path: str, body: Any, data: Any = None, **rest: Any) -> Operation:
        return self._add("POST", path, body=body, data=data, **rest)

    def delete(self, path: str, data: Any = None, **rest: Any) -> Operation:
        return self._add("DELETE", path, data=data, **rest)

    def client_owned(self, path: str, declared: Any) -> tuple[Operation, Operation, Operation]:
        """GET, PUT and PATCH of an object whose owner pushes it (Client Owned Objects)."""
        owned = CLIENT_OWNED + path
        return self.get(owned, declared), self.put(owned, declared), self.patch(owned, declared)

    def _add(self, method: Method, path: str, **rest: Any) -> Operation:
        added = Operation(self.module, self.role, method, path, **rest)
        if any((each.method, each.path) == (method, path) for each in self.operations):
            raise TypeError(f"{added} is declared twice")
        self.operations.append(added)
        return added


class Module:
    """A chapter of OCPI: its identifier, data owner, kind and two interfaces.

    Attributes:
        identifier: the ModuleID, as it stands in version details.
        owner: the role that owns its objects; None where no one does.
        functional: whether its messages are routed; those of Configuration Modules are not.
        broadcast: whether its pushes may go to all (not what is one driver's alone).
    """

    def __init__(
        self, identifier: str, *, owner: Role | None, functional: bool = True, broadcast: bool = False
    ) -> None:
        if identifier in REGISTRY:
            raise TypeError(f"module {identifier} is declared twice")
        self.identifier = identifier
        self.owner = owner
        self.functional = functional
        self.broadcast = broadcast
        self.sender = Interface(identifier, "SENDER")
        self.receiver = Interface(identifier, "RECEIVER")
        REGISTRY[identifier] = self

    @property
    def operations(self) -> Iterator[Operation]:
        yield from self.sender.operations
        yield from self.receiver.operations


REGISTRY: dict[str, Module] = {}
