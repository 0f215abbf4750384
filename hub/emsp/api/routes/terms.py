"""The terms of the provider, as they are in force."""

from collections.abc import Callable

from hub.api.declaring import Call, route
from hub.emsp.api.scopes import Scope
from hub.emsp.terms import ProviderTerms


class TermsRoutes:
    """What the operator decides."""

    tag = "accounting"

    def __init__(self, terms: Callable[[], ProviderTerms]) -> None:
        self._terms = terms

    @route("GET", "/terms", scope=Scope.TARIFFS_READ)
    async def get_terms(self, call: Call) -> ProviderTerms:
        """Show prices, taxes, tolerances and times; they are set by the file EMALL_TERMS names, and follow it."""
        return self._terms()
