"""Everything an API refuses, as problem details.

::

    Problem
    ├── Malformed 400             TooLarge 413
    ├── Unauthorized 401          UnsupportedMediaType 415
    ├── LoginRefused 401
    ├── Forbidden 403             Invalid 422
    ├── StepUpRequired 403        TooManyRequests 429
    ├── NotFound 404              InternalError 500
    ├── MethodNotAllowed 405      Unavailable 503
    ├── Conflict 409
    └── PreconditionFailed 412

The parties' own kinds are theirs. The first line of a docstring is the title, and the detail where none is given.

Source: RFC 9457 (Problem Details for HTTP APIs); RFC 9110, 15 (status codes).
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from hub.ocpi.objects import JSONObject

MEDIA_TYPE = "application/problem+json"


class Fault(NamedTuple):
    """One thing wrong with a request.

    Attributes:
        path: ``$.name`` in the body, ``query.name``, ``path.name`` or ``header.name``.
        rule: what should stand there.
    """

    path: str
    rule: str


class Problem(Exception):
    """Why a request is not done.

    Args:
        detail: what is wrong this time.
        faults: where in the request, where it can be said.
        headers: further headers of the answer.
        more: further members of the problem.

    Attributes:
        acted: whether something may have happened all the same, so that the audit log tells of it.
    """

    status: ClassVar[int] = 500
    acted: ClassVar[bool] = False

    def __init__(
        self, detail: str = "", *, faults: Sequence[Fault] = (), headers: Mapping[str, str] | None = None, **more: Any
    ) -> None:
        super().__init__(detail or self.title())
        self.faults = tuple(faults)
        self.headers = dict(headers or {})
        self.more = more

    @classmethod
    def title(cls) -> str:
        """Return what this kind of problem is, in a few words."""
        return (cls.__doc__ or "").split("\n")[0].rstrip(".")

    @classmethod
    def slug(cls) -> str:
        """Return the last segment of the type's URI."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", cls.__name__).lower()

    def document(self, types: str) -> JSONObject:
        """Return the problem details.

        Args:
            types: path the types are described under.
        """
        errors = [{"path": each.path, "rule": each.rule} for each in self.faults]
        return {
            "type": f"{types}/{self.slug()}",
            "title": self.title(),
            "status": self.status,
            "detail": str(self),
            **({"errors": errors} if errors else {}),
            **self.more,
        }


class Malformed(Problem):
    """The body is not what its media type says."""

    status = 400


class Unauthorized(Problem):
    """A valid bearer token is required."""

    status = 401


class LoginRefused(Unauthorized):
    """Nobody is logged in."""


class Forbidden(Problem):
    """The caller has not the scope for this."""

    status = 403


class StepUpRequired(Problem):
    """This asks for the password again.

    Put it to ``/me/step-up`` and send the token it answers as ``X-Step-Up``.
    """

    status = 403


class NotFound(Problem):
    """There is no such thing."""

    status = 404


class MethodNotAllowed(Problem):
    """The resource does not know this method."""

    status = 405


class Conflict(Problem):
    """The present state does not allow this."""

    status = 409


class PreconditionFailed(Problem):
    """It has changed since it was read."""

    status = 412


class TooLarge(Problem):
    """The body is too large."""

    status = 413


class UnsupportedMediaType(Problem):
    """The media type is not taken here."""

    status = 415


class Invalid(Problem):
    """The request is not what was declared."""

    status = 422


class TooManyRequests(Problem):
    """Too many attempts."""

    status = 429


class InternalError(Problem):
    """The server failed on this request; its log says why."""

    status = 500


class Unavailable(Problem):
    """This cannot be done at the moment."""

    status = 503


#: What every route may refuse or fail with.
USUAL: tuple[type[Problem], ...] = (
    Malformed,
    Unauthorized,
    Forbidden,
    StepUpRequired,
    NotFound,
    MethodNotAllowed,
    Conflict,
    TooLarge,
    UnsupportedMediaType,
    Invalid,
    InternalError,
    Unavailable,
)


def invalid(path: str, rule: str) -> Invalid:
    """Return the refusal of a request with one fault."""
    return Invalid(f"{path}: {rule}", faults=[Fault(path, rule)])
