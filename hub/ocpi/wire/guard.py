"""The guard: to which URLs and addresses a request may go (server-side request forgery).

Every URL a peer gives us (versions URL, endpoints, response_url, Link) is an offer to make us call
something. So the URL is read strictly, the name is resolved here, every address behind it is
judged, and the connection is made to one of the judged addresses and not to the name again: a name
that changes its mind in between (DNS rebinding) gains nothing. Cloud metadata services stand on
link-local addresses and are refused with these.

Source: RFC 3986 (URLs), RFC 6890 (special-purpose addresses), RFC 6052 (NAT64), RFC 3056 (6to4).
"""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote

from hub.ocpi.wire.answers import ConnectionFailed, ForbiddenURL

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

_URL = re.compile(r"(https?)://([^/?#]*)([!-~]*)", re.IGNORECASE)
_AUTHORITY = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9_.-]+))(?::([0-9]{1,5}))?")
_NUMERIC = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
_LABELS = re.compile(
    r"(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*"
)
_REMEMBERED = 4096  # origins
_PORTS = {"http": 80, "https": 443}

_V4_IN_V6 = (  # networks that embed an IPv4 address, with the place of its last bit
    (ipaddress.IPv6Network("::ffff:0:0/96"), 0),
    (ipaddress.IPv6Network("64:ff9b::/96"), 0),
    (ipaddress.IPv6Network("2002::/16"), 80),
)
_GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")
#: Special-purpose networks that some supported versions of ``ipaddress`` take for global ones.
_ALSO_SPECIAL = tuple(
    ipaddress.ip_network(each) for each in ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "2001:db8::/32", "3fff::/20")
)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request goes: scheme, host and port.

    Attributes:
        authority: host and port as the URL has them, for the Host header.
        address: the address, where the host is one and no name.
        key: what all spellings of one origin have in common.
    """

    scheme: str
    host: str
    port: int
    authority: str
    address: Address | None
    key: tuple[str, str, int]


@lru_cache(maxsize=4096)
def origin_of(scheme: str, authority: str) -> Origin:
    """Return the origin a URL names, read strictly.

    Raises:
        ForbiddenURL: user information, no host, a bad port, or an IPv4 address in an odd spelling.
    """
    found = _AUTHORITY.fullmatch(authority)
    if found is None:
        why = (
            "it carries user information" if "@" in authority else "its host cannot be read" if authority else "no host"
        )
        raise ForbiddenURL(f"{scheme}://{authority.rpartition('@')[2]} is refused: {why}")
    literal, name, digits = found.groups()
    scheme = scheme.lower()
    port = int(digits) if digits else _PORTS[scheme]
    if not 0 < port < 65536:
        raise ForbiddenURL(f"{authority} is refused: no such port")
    address = _v6(literal) if literal else _v4(name)
    host = str(address) if address is not None else name.lower()
    if address is None and (len(host) > 253 or not _LABELS.fullmatch(host)):
        raise ForbiddenURL(f"{authority} is refused: its host is no name")
    return Origin(scheme, host, port, authority, address, (scheme, host, port))


def _v6(literal: str) -> ipaddress.IPv6Address:
    try:
        return ipaddress.IPv6Address(literal)
    except ValueError as error:
        raise ForbiddenURL(f"[{literal}] is refused: no IPv6 address") from error


def _v4(name: str) -> ipaddress.IPv4Address | None:
    # A last label of digits makes the whole an IPv4 address (WHATWG URL); resolvers also read
    # 2130706433, 0x7f.1 and 0177.0.0.1 as 127.0.0.1, so only the one plain spelling is taken.
    if not _NUMERIC.fullmatch(name.rstrip(".").rpartition(".")[2]):
        return None
    try:
        return ipaddress.IPv4Address(name)
    except ValueError as error:
        raise ForbiddenURL(f"{name} is refused: an IPv4 address in an odd spelling") from error


def trouble(address: Address) -> str | None:
    """Return why no peer may lead us to an address; None if it may."""
    if isinstance(address, ipaddress.IPv6Address):
        for network, shift in _V4_IN_V6:
            if address in network:
                return trouble(ipaddress.IPv4Address((int(address) >> shift) & 0xFFFFFFFF))
        if address not in _GLOBAL_V6:
            return "not a global address"
    kinds = {
        "unspecified": address.is_unspecified,
        "loopback": address.is_loopback,
        "link-local": address.is_link_local,
        "multicast": address.is_multicast,
        "reserved": address.is_reserved,
        "private": address.is_private,
        "special-purpose": any(address in network for network in _ALSO_SPECIAL),
        "not global": not address.is_global,  # carrier-grade NAT among them
    }
    kind = next((kind for kind, applies in kinds.items() if applies), None)
    return kind and f"a {kind} address"


async def resolve(host: str, port: int) -> Sequence[str]:
    """Return the addresses of a name, as the system's resolver knows them."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Guard:
    """Reads URLs, and resolves and judges the hosts in them.

    Args:
        allow_private: whether a URL may lead to a private or loopback address.
        allow_plain_http: whether a URL may be http.
    """

    def __init__(self, *, allow_private: bool, allow_plain_http: bool = True, resolve: Resolve = resolve) -> None:
        self._read: dict[str, Origin] = {}  # origins of URLs read before
        self._allow_private = allow_private
        self._allow_plain_http = allow_plain_http
        self._resolve = resolve

    def read(self, url: str) -> tuple[Origin, str]:
        """Return a URL's origin and request target, the target's bytes as they stand.

        Raises:
            ForbiddenURL: it is no http(s) URL with a host, or a segment decodes to ``.`` or ``..``.
        """
        end = url.find("/", 8)  # after the authority
        origin = self._read.get(url[:end]) if end > 0 else None
        if origin is not None:
            target = url[end:]
            if target.isascii() and target.isprintable() and not _is_odd(target):
                return origin, target
        found = _URL.fullmatch(url)
        if found is None:
            raise ForbiddenURL(f"{url[:255]!r} is refused: no http or https URL")
        target = found[3].partition("#")[0]
        path = target.partition("?")[0]
        if "/." in path or "%2" in path:
            _refuse_dots(path)
        origin = origin_of(found[1], found[2])
        if len(self._read) < _REMEMBERED:
            self._read[f"{found[1]}://{found[2]}"] = origin
        return origin, target if path else f"/{target}"

    def judge(self, origin: Origin) -> None:
        """Judge what can be judged without asking a resolver.

        Raises:
            ForbiddenURL: plain http where it is not allowed, localhost, or a forbidden address.
        """
        if origin.scheme == "http" and not self._allow_plain_http:
            raise ForbiddenURL(f"http://{origin.authority} is refused: https is required")
        if self._allow_private:
            return
        if origin.host.rpartition(".")[2] == "localhost":
            raise ForbiddenURL(f"{origin.host} is refused: this machine")
        if origin.address is not None:
            _refuse(origin.host, origin.address)

    async def addresses(self, origin: Origin) -> Sequence[str]:
        """Return the addresses to connect to, every one judged.

        Raises:
            ForbiddenURL: an address behind the name is forbidden; one among many is enough.
            ConnectionFailed: the name has no address.
        """
        self.judge(origin)
        if origin.address is not None:
            return [origin.host]
        try:
            found = [ipaddress.ip_address(each) for each in await self._resolve(origin.host, origin.port)]
        except (OSError, ValueError) as error:
            raise ConnectionFailed(f"{origin.host} has no address: {error}") from error
        if not found:
            raise ConnectionFailed(f"{origin.host} has no address")
        if not self._allow_private:
            for address in found:
                _refuse(origin.host, address)
        return [str(address) for address in found]


def _refuse(host: str, address: Address) -> None:
    why = trouble(address)
    if why is not None:
        raise ForbiddenURL(f"{host} is refused: it leads to {why}")


def _is_odd(target: str) -> bool:
    """Return whether a target has what the plain way to read one does not take."""
    return " " in target or "#" in target or "/." in target or "%2" in target


def _refuse_dots(path: str) -> None:
    # Proxies and servers take such segments away, so the request would reach another object.
    if any(unquote(segment) in (".", "..") for segment in path.split("/")):
        raise ForbiddenURL("a URL with a path segment . or .. is refused")
