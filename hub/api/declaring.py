"""A route, declared once: its method, path and scope in the decorator, its types in the signature.

What the application judges, allows, answers and describes all comes from here::

    class TariffRoutes:
        tag = "tariffs"

        @route("PUT", "/tariffs/{tariff_id}", scope=Scope.TARIFFS_WRITE, step_up=True, takes=Tariff, answers=Tariff)
        async def put_tariff(self, call: Call, tariff_id: str, body: JSONObject) -> JSONObject:
            \"\"\"Create or replace a tariff.\"\"\"

Parameters in braces are strings of the path; ``query`` is a ``ListQuery`` or another ``Shape``;
``body`` is a ``Shape``, or ``bytes`` where the route ``consumes`` other media types; OCPI objects are
JSON in the signature and named by ``takes=Tariff`` and ``answers=Page[Tariff]``.
What is returned is the body of the answer; ``None`` is 204, a ``Page`` a list, a Starlette
``Response`` is sent as it is.
"""

import datetime
import functools
import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeVar, get_origin, get_type_hints

from hub.api.audit import Trail
from hub.api.principals import Principal
from hub.api.problems import Fault, PreconditionFailed, Problem
from hub.api.shapes import Page
from hub.ocpi.objects import JSONObject

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Handler = Callable[..., Awaitable[Any]]
F = TypeVar("F", bound=Handler)

JSON_TYPE = "application/json"
MAX_BODY = 1024 * 1024  # bytes

_DECLARED = "_api_route"


class Gate(Protocol):
    """Knows whose tokens are good."""

    async def principal(self, token: str) -> Principal | None:
        """Return whose token this is; None: nobody's, or no longer."""
        ...

    async def stepped_up(self, principal: Principal, token: str) -> bool:
        """Return whether this is the caller's token of a password given again a moment ago."""
        ...


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request, as far as a handler may need more than its parameters.

    Attributes:
        trail: takes what the audit log is to tell.
        now: when the request came, UTC.
        tag_of: returns the ETag of a representation.
        idempotency_key: of this caller and this request; to be passed on to what must not happen twice.
    """

    principal: Principal
    request_id: str
    address: str
    headers: Mapping[str, str]
    trail: Trail
    now: datetime.datetime
    tag_of: Callable[[Any], str]
    idempotency_key: str = ""

    def expect(self, current: Any) -> None:
        """Return if the caller's If-Match, where he gave one, names the present representation.

        Raises:
            PreconditionFailed: somebody else has changed it meanwhile.
        """
        wanted = self.headers.get("if-match")
        if wanted is None or wanted.strip() == "*":
            return
        if self.tag_of(current) not in [each.strip() for each in wanted.split(",")]:
            raise PreconditionFailed


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """What the decorator says."""

    method: Method
    path: str
    access: str
    status: int
    step_up: bool
    idempotent: bool
    consumes: tuple[str, ...]
    produces: str
    max_body: int
    problems: tuple[type[Problem], ...]
    takes: Any
    answers: Any
    also: Callable[[Any, JSONObject], Sequence[Fault]] | None


def route(
    method: Method,
    path: str,
    *,
    scope: str,
    status: int = 200,
    step_up: bool = False,
    idempotent: bool = False,
    consumes: Sequence[str] = (JSON_TYPE,),
    produces: str = JSON_TYPE,
    max_body: int = MAX_BODY,
    problems: Sequence[type[Problem]] = (),
    takes: Any = None,
    answers: Any = None,
    also: Callable[[Any, JSONObject], Sequence[Fault]] | None = None,
) -> Callable[[F], F]:
    """Declare a method of a class of routes.

    Args:
        path: below the realm's own, with parameters in braces.
        scope: a word of the realm's, or an ``Access``.
        status: of the success; 204 where the method returns None.
        step_up: whether a staff member gives his password again: what costs money or is dangerous.
        idempotent: whether it asks for an ``Idempotency-Key``: what costs money.
        consumes: media types of the body.
        produces: media type of the answer, where the method makes it itself.
        max_body: in bytes.
        problems: kinds of problem it answers besides those of every route.
        takes, answers: what body and answer are, where the code has them as JSON (OCPI objects).
        also: of the routes and what of a body is right: what else is wrong with it, so that a body that breaks its
            declaration is answered with everything at once.
    """
    declared = Declaration(
        method=method,
        path=path,
        access=scope,
        status=status,
        step_up=step_up,
        idempotent=idempotent,
        consumes=tuple(consumes),
        produces=produces,
        max_body=max_body,
        problems=tuple(problems),
        takes=takes,
        answers=answers,
        also=also,
    )

    def mark(handler: F) -> F:
        setattr(handler, _DECLARED, declared)
        return handler

    return mark


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One declared route with the handler that carries it out.

    Attributes:
        name: unique in the API; the operationId and the audit log's action.
        parameters: names in the path.
        query, body, answer: the declared types; None where there is none.
        also: of ``route``, for these routes.
    """

    declared: Declaration
    name: str
    tag: str
    summary: str
    description: str
    handler: Handler
    parameters: tuple[str, ...] = ()
    query: Any = None
    body: Any = None
    answer: Any = None
    segments: tuple[str, ...] = field(default=(), repr=False)
    also: Callable[[JSONObject], Sequence[Fault]] | None = field(default=None, repr=False)

    @property
    def changes(self) -> bool:
        """Whether it may change something, so that the audit log tells of it."""
        return self.declared.method != "GET"

    @property
    def pages(self) -> bool:
        """Whether it answers a list in pages."""
        return get_origin(self.answer) is Page


def operations(routes: object) -> list[Operation]:
    """Return what a class of routes declares.

    Raises:
        TypeError: a declaration contradicts its signature.
    """
    found = []
    for _, method in inspect.getmembers(routes, inspect.ismethod):
        declared = getattr(method, _DECLARED, None)
        if declared is not None:
            found.append(_operation(declared, method, routes))
    return found


def _operation(declared: Declaration, method: Handler, routes: object) -> Operation:
    hints = get_type_hints(method, include_extras=True)
    returned = hints.pop("return")
    answer = declared.answers or (None if returned is type(None) else returned)
    segments = tuple(declared.path.strip("/").split("/"))
    parameters = tuple(each[1:-1] for each in segments if each.startswith("{"))
    if hints.keys() - {"call", "query", "body"} != set(parameters) or "call" not in hints:
        raise TypeError(f"{method.__qualname__}: its parameters are not those of {declared.path}")
    summary, _, rest = inspect.cleandoc(method.__doc__ or "").partition("\n")
    return Operation(
        declared=declared,
        name=method.__name__,
        tag=getattr(routes, "tag", ""),
        summary=summary.rstrip("."),
        description=rest.split("Raises:")[0].strip(),
        handler=method,
        parameters=parameters,
        query=hints.get("query"),
        body=declared.takes or hints.get("body"),
        answer=answer,
        segments=segments,
        also=None if declared.also is None else functools.partial(declared.also, routes),
    )
