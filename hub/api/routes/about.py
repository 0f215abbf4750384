"""What the API says of itself: its description, and the kinds of problem there are."""

from collections.abc import Callable

from starlette.responses import Response

from hub.api.declaring import Call, route
from hub.api.problems import NotFound, Problem
from hub.api.realms import Access, Realm
from hub.api.shapes import Shape
from hub.api.trying import page
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
        kinds: returns the kinds of problem by the last segment of their types.
        realm: the API's.
    """

    tag = "about"

    def __init__(
        self, described: Callable[[], JSONObject], kinds: Callable[[], dict[str, type[Problem]]], realm: Realm
    ) -> None:
        self._described = described
        self._kinds = kinds
        self._realm = realm

    @route("GET", "/openapi.json", scope=Access.PUBLIC)
    async def get_openapi(self, call: Call) -> JSONObject:
        """This API as OpenAPI 3.1."""
        return self._described()

    @route("GET", "/docs", scope=Access.PUBLIC, produces="text/html")
    async def get_page(self, call: Call) -> Response:
        """A page to try this API in a browser."""
        return page(self._realm.title, self._realm.about)

    @route("GET", "/problems", scope=Access.PUBLIC)
    async def list_problem_types(self, call: Call) -> list[ProblemType]:
        """The kinds of problem."""
        return [self._problem(each) for each in self._kinds().values()]

    @route("GET", "/problems/{slug}", scope=Access.PUBLIC)
    async def get_problem_type(self, call: Call, slug: str) -> ProblemType:
        """One kind of problem."""
        kind = self._kinds().get(slug)
        if kind is None:
            raise NotFound("There is no such kind of problem")
        return self._problem(kind)

    def _problem(self, kind: type[Problem]) -> ProblemType:
        return ProblemType(
            type=f"{self._realm.path}/problems/{kind.slug()}",
            title=kind.title(),
            status=kind.status,
            description=" ".join((kind.__doc__ or "").split()),
        )
