"""Looking at a peer: its versions, the details of one, and what it does differently from the text.

Source: OCPI 2.3.0, version_information_endpoint.asciidoc; credentials.asciidoc (Registration).
"""

import dataclasses
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from hub.credentials.sides import implied
from hub.ocpi import codec
from hub.ocpi.client import Client, Envelope
from hub.ocpi.errors import HubError, InvalidParameters, NoMatchingEndpoints, OcpiError, UnableToUseClientApi
from hub.ocpi.interfaces import REGISTRY, InterfaceRole
from hub.ocpi.modules.versions import VersionDetails
from hub.ocpi.objects import JSON
from hub.ocpi.quirks import Quirks
from hub.ocpi.versions import VERSIONS
from hub.ocpi.wire import WireError

_TIMEOUT = 10.0  # seconds for each of the calls within a handshake: somebody waits for all of them
_NEWEST = VERSIONS["2.3.0"]
_MAX_ENDPOINTS = 200  # custom modules included
_MAX_MODULE = 64  # characters of an identifier

Endpoints = dict[tuple[str, InterfaceRole], str]

#: The credentials endpoint is kept under this role, whatever role it was announced with (Endpoint class, NOTE).
CREDENTIALS: tuple[str, InterfaceRole] = ("credentials", "SENDER")


@dataclass
class Peer:
    """A platform as far as it is known before it is registered.

    Attributes:
        token: what it takes from us.
        quirks: grow with what it shows.
    """

    client: Client
    versions_url: str
    token: str = field(repr=False)
    quirks: Quirks = field(default_factory=Quirks)
    correlation_id: str | None = None

    async def ask(self, method: str, url: str, body: JSON = None) -> Envelope:
        """Make one call; where one form of the token (Base64 or bare) is refused, try the other.

        Raises:
            OcpiError: no answer, or none that is OCPI.
        """
        try:
            return await self._call(method, url, body)
        except HubError as error:
            if http_status(error) != 401:
                raise
            known, self.quirks = self.quirks, _other_encoding(self.quirks)
            try:
                return await self._call(method, url, body)
            except OcpiError:
                self.quirks = known
                raise error from None

    async def _call(self, method: str, url: str, body: JSON) -> Envelope:
        answer = await self.client.call(
            method, url, self.token, body=body, quirks=self.quirks, correlation_id=self.correlation_id,
            timeout=_TIMEOUT,
        )  # fmt: skip
        if answer.http_status == 401:
            raise HubError("The receiving party refused the credentials token (HTTP 401)")
        return answer

    async def versions(self) -> dict[str, str]:
        """Return the details' URL of each version it has; entries that are none are passed over.

        Raises:
            UnableToUseClientApi: it does not tell.
        """
        try:
            data = await self._get(self.versions_url, "versions")
        except UnableToUseClientApi as error:
            if self.versions_url.endswith("/") or http_status(error) not in (301, 302, 307, 308, 404):
                raise
            data = await self._get(self.versions_url + "/", "versions")
            self.quirks = dataclasses.replace(self.quirks, trailing_slash=True)
        if isinstance(data, dict):
            self.quirks = dataclasses.replace(self.quirks, single_for_list=True)
            data = [data]
        if not isinstance(data, list):
            raise UnableToUseClientApi(f"GET {self.versions_url}: data is no list of versions")
        entries = [each for each in data if isinstance(each, dict)]
        found: dict[str, str] = {}
        for each in entries:
            if isinstance(each.get("version"), str) and isinstance(each.get("url"), str):
                found.setdefault(each["version"], each["url"])
        return found

    async def endpoints(self, details_url: str, roles: Iterable[str]) -> Endpoints:
        """Return where its modules are in one version.

        Args:
            roles: the roles of its parties, from which the interface roles of endpoints without one are guessed.

        Raises:
            UnableToUseClientApi: it does not tell, or tells nonsense.
            NoMatchingEndpoints: it has no credentials endpoint, or no functional module at all.
        """
        data = await self._get(details_url, "version details")
        announced = data.get("endpoints") if isinstance(data, dict) else None
        if isinstance(announced, list):
            data = {**data, "endpoints": [*self._with_roles(announced, set(roles))]}
        try:
            _NEWEST.judge(codec.encode(data), VersionDetails)
        except InvalidParameters as error:
            raise UnableToUseClientApi(f"GET {details_url}: {error}") from error
        found: Endpoints = {}
        for each in data["endpoints"]:
            pair = (each["identifier"], each["role"])
            found.setdefault(CREDENTIALS if pair[0] == "credentials" else pair, each["url"])
        if all(url.endswith("/") for pair, url in found.items() if pair != CREDENTIALS):
            self.quirks = dataclasses.replace(self.quirks, trailing_slash=True)
        self._check(found, details_url)
        return found

    def _check(self, found: Endpoints, details_url: str) -> None:
        if len(found) > _MAX_ENDPOINTS or any(len(module) > _MAX_MODULE for module, _ in found):
            raise UnableToUseClientApi(
                f"{details_url}: more than {_MAX_ENDPOINTS} endpoints, or an identifier of more than {_MAX_MODULE}"
                " characters"
            )
        if CREDENTIALS not in found:
            raise NoMatchingEndpoints(f"{details_url} lists no credentials endpoint, which everyone must have")
        if not any(module not in REGISTRY or REGISTRY[module].functional for module, _ in found):
            raise NoMatchingEndpoints(f"{details_url} lists no functional module: there is nothing to roam with")
        for (module, _), url in found.items():
            try:
                self.client.wire.check(url)
            except WireError as error:
                raise UnableToUseClientApi(f"endpoint of {module}: {error}") from error

    def _with_roles(self, announced: list[JSON], roles: set[str]) -> Iterable[JSON]:
        """Yield endpoints with an interface role; one announced without is taken for what its parties imply."""
        for each in announced:
            if not isinstance(each, dict) or each.get("role") is not None:
                yield each
                continue
            if each.get("identifier") != "credentials":
                self.quirks = dataclasses.replace(self.quirks, roleless_endpoints=True)
            for role in implied(str(each.get("identifier")), roles):
                yield {**each, "role": role}

    async def _get(self, url: str, what: str) -> JSON:
        try:
            answer = await self.ask("GET", url)
        except OcpiError as error:
            raise UnableToUseClientApi(f"{what}: GET {url}: {error}") from error
        if not 1000 <= answer.status_code < 2000 or answer.http_status >= 400:
            said = f"HTTP {answer.http_status}, OCPI {answer.status_code} {answer.status_message or ''}".rstrip()
            raise UnableToUseClientApi(f"{what}: GET {url}: it answered {said}")
        return answer.data


def _other_encoding(quirks: Quirks) -> Quirks:
    return dataclasses.replace(quirks, raw_token=not quirks.raw_token)


def http_status(error: OcpiError) -> int | None:
    """Return the HTTP status a client's error speaks of: an answer that is not OCPI has no other sign of it."""
    found = re.search(r"HTTP (\d{3})", str(error))
    return int(found[1]) if found else None


def best_version(theirs: Mapping[str, str], *, deprecated: bool) -> str | None:
    """Return the newest version both sides have; 2.2 only where an operator allows it."""
    mutual = [number for number in VERSIONS if number in theirs]
    if mutual:
        return max(mutual)
    return "2.2" if deprecated and "2.2" in theirs else None
