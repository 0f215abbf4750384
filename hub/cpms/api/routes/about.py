"""What the API says of itself: its description, and the kinds of problem there are."""

from collections.abc import Callable

from hub.cpms.api.declaring import Call, route
from hub.cpms.api.problems import TYPES, NotFound
from hub.cpms.api.scopes import Access
from hub.cpms.api.shapes import Shape
from hub.ocpi.objects import JSONObject


class ProblemType(Shape, frozen=True, kw_only=True):
    """A kind of problem: where ``type`` of a problem leads to."""

    type: str
    title: str
    status: int
    description: str


class AboutRoutes:
    """The description.

    Args:
        described: returns the OpenAPI description.
    """

    tag = "about"

    def __init__(self, described: Callable[[], JSONObject], path: str) -> None:
        self._described = described
        self._path = path

    @route("GET", "/openapi.json", scope=Access.PUBLIC)
    async def get_openapi(self, call: Call) -> JSONObject:
        """This API as OpenAPI 3.1."""
        return self._described()

    @route("GET", "/problems", scope=Access.PUBLIC)
    async def list_problem_types(self, call: Call) -> list[ProblemType]:
        """The kinds of problem."""
        return [self._problem(slug) for slug in sorted(TYPES)]

    @route("GET", "/problems/{slug}", scope=Access.PUBLIC)
    async def get_problem_type(self, call: Call, slug: str) -> ProblemType:
        """One kind of problem."""
        if slug not in TYPES:
            raise NotFound("There is no such kind of problem")
        return self._problem(slug)

    def _problem(self, slug: str) -> ProblemType:
        kind = TYPES[slug]
        return ProblemType(
            type=f"{self._path}/problems/{slug}",
            title=kind.title(),
            status=kind.status,
            description=" ".join((kind.__doc__ or "").split()),
        )
