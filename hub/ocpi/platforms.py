"""A platform: whatever OCPI requests can be put to.

The hub, the internal CPMS, the internal eMSP and every remote peer are platforms; putting a
request to any of them reads the same.

Source: OCPI 2.3.0, terminology.asciidoc (Platform).
"""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

from hub.ocpi.errors import MethodNotAllowed
from hub.ocpi.interfaces import InterfaceRole, Operation
from hub.ocpi.messages import Request, Response


class Platform(Protocol):
    """Answers OCPI requests.

    Raises:
        OcpiError: the request was not served; the error says which status to answer.
    """

    async def __call__(self, request: Request) -> Response: ...


_Handler = TypeVar("_Handler", bound=Callable[..., Awaitable[Response]])


def serves(*operations: Operation) -> Callable[[_Handler], _Handler]:
    """Mark a method of a ``LocalPlatform`` as the handler of ``operations``."""

    def mark(handler: _Handler) -> _Handler:
        handler.__dict__["serves"] = operations
        return handler

    return mark


class LocalPlatform:
    """A platform inside this process; its methods marked ``@serves`` are its interfaces."""

    _routes: dict[Operation, str]

    def __init_subclass__(cls) -> None:
        cls._routes = {}
        for name in dir(cls):
            for operation in getattr(getattr(cls, name), "serves", ()):
                if operation in cls._routes:
                    raise TypeError(f"{cls.__name__} serves {operation} twice")
                cls._routes[operation] = name

    @classmethod
    def offered(cls) -> set[tuple[str, InterfaceRole]]:
        """The (module, interface role) pairs to announce in the version details."""
        return {(operation.module, operation.role) for operation in cls._routes}

    async def __call__(self, request: Request) -> Response:
        name = self._routes.get(request.operation)
        if name is None:
            raise MethodNotAllowed(f"not offered here: {request.operation}")
        handler: Any = getattr(self, name)
        answer: Response = await handler(request)
        return answer
