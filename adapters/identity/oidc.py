"""OpenID Connect with any issuer: discovery, the authorization code flow with PKCE, and the ID Token judged.

Source: OpenID Connect Core 1.0 (3.1 code flow, 3.1.3.7 ID Token validation), Discovery 1.0 (4), RFC 7636 (PKCE),
RFC 9700 (best current practice).
"""

import base64
import datetime
import hashlib
import ipaddress
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jwt import JWTClaimsRegistry

from hub.emsp.drivers.needs import Brand, IdentityRefused, IdentityUnavailable
from hub.ocpi.objects import JSON

#: Signatures by keys the provider publishes; what is signed with a shared secret, or not at all, is refused.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA")

_FRESH = datetime.timedelta(hours=1)  # how long configuration and keys are kept
_LARGEST = 1024 * 1024  # bytes of an answer
_LEEWAY = 60  # seconds two clocks may differ


@dataclass(frozen=True, kw_only=True)
class _Provider:
    """What an issuer's discovery document says.

    Attributes:
        until: when it is read again.
    """

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    until: datetime.datetime


class OpenIdConnect:
    """Speaks with issuers over HTTP.

    Args:
        timeout: how long an answer is waited for, in seconds.
    """

    def __init__(self, now: Callable[[], datetime.datetime], *, timeout: float = 10.0) -> None:
        self._now = now
        self._http = httpx.AsyncClient(timeout=timeout, trust_env=False, follow_redirects=False)
        self._providers: dict[str, _Provider] = {}
        self._keys: dict[str, KeySet] = {}

    async def close(self) -> None:
        """Close what is connected."""
        await self._http.aclose()

    async def address(
        self, brand: Brand, *, redirect_uri: str, state: str, nonce: str, verifier: str, language: str = ""
    ) -> str:
        """Return where a driver is sent to log in.

        Raises:
            IdentityUnavailable: the issuer's configuration cannot be read.
        """
        provider = await self._provider(brand.issuer)
        asked = {
            "response_type": "code",
            "client_id": brand.client_id,
            "redirect_uri": redirect_uri,
            "scope": brand.scopes,
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge_of(verifier),
            "code_challenge_method": "S256",
        } | ({"ui_locales": language} if language else {})
        joint = "&" if urlsplit(provider.authorization_endpoint).query else "?"
        return f"{provider.authorization_endpoint}{joint}{urlencode(asked)}"

    async def claims(
        self, brand: Brand, *, code: str, redirect_uri: str, nonce: str, verifier: str
    ) -> Mapping[str, JSON]:
        """Return the claims of the ID Token a code stands for.

        Raises:
            IdentityRefused: the code or the ID Token is not good.
            IdentityUnavailable: the issuer cannot be reached.
        """
        provider = await self._provider(brand.issuer)
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "client_id": brand.client_id,
            "code_verifier": verifier,
        }
        secret = (brand.client_id, brand.client_secret) if brand.client_secret else None
        answer = await self._asked("POST", provider.token_endpoint, data=form, auth=secret)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise IdentityRefused("the identity provider gave no ID Token")
        return await self._judged(brand, provider, token, nonce)

    async def _judged(self, brand: Brand, provider: _Provider, token: str, nonce: str) -> Mapping[str, JSON]:
        try:
            claims = await self._signed(provider.jwks_uri, token)
            registry = JWTClaimsRegistry(
                now=int(self._now().timestamp()),
                leeway=_LEEWAY,
                iss={"essential": True, "value": brand.issuer},
                aud={"essential": True, "value": brand.client_id},
                sub={"essential": True},
                exp={"essential": True},
                iat={"essential": True},
                nonce={"essential": True, "value": nonce},
            )
            registry.validate(claims)
        except (JoseError, ValueError) as error:
            raise IdentityRefused(f"the ID Token is not good: {error}") from error
        # OpenID Connect Core 3.1.3.7: with several audiences, or where it is there, azp has to be us.
        if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and "azp" not in claims:
            raise IdentityRefused("the ID Token is for several and names no authorized party")
        if claims.get("azp", brand.client_id) != brand.client_id:
            raise IdentityRefused("the ID Token was given to somebody else")
        return claims

    async def _signed(self, jwks_uri: str, token: str) -> dict[str, Any]:
        """Return the claims of a token that a key of the issuer signed; keys may have changed since they were read."""
        known = self._keys.get(jwks_uri)
        if known is not None:
            try:
                return jwt.decode(token, known, algorithms=ALGORITHMS).claims
            except (JoseError, ValueError):
                pass
        keys = await self._read_keys(jwks_uri)
        self._keys[jwks_uri] = keys
        return jwt.decode(token, keys, algorithms=ALGORITHMS).claims

    async def _read_keys(self, jwks_uri: str) -> KeySet:
        found = await self._asked("GET", jwks_uri)
        try:
            return KeySet.import_key_set(found)  # type: ignore[arg-type]  # it is judged there
        except (JoseError, KeyError, TypeError, ValueError) as error:
            raise IdentityUnavailable(f"{jwks_uri} has no set of keys: {error}") from error

    async def _provider(self, issuer: str) -> _Provider:
        known = self._providers.get(issuer)
        if known is not None and known.until > self._now():
            return known
        found = await self._asked("GET", f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        # Discovery 4.3: another issuer in the document would be an attacker's.
        if found.get("issuer") != issuer:
            raise IdentityUnavailable(f"{issuer} says that it is {found.get('issuer')}")
        names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        urls = {name: str(found.get(name, "")) for name in names}
        for name, url in urls.items():
            _check_url(url, f"{name} of {issuer}")
        made = _Provider(**urls, until=self._now() + _FRESH)
        self._providers[issuer] = made
        return made

    async def _asked(self, method: str, url: str, **rest: Any) -> Mapping[str, JSON]:
        """Return the JSON object a URL answers.

        Raises:
            IdentityRefused: it answered 400 or 401.
            IdentityUnavailable: it did not answer, or something else.
        """
        _check_url(url, url)
        try:
            body = bytearray()
            async with self._http.stream(method, url, **rest) as response:
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > _LARGEST:
                        raise IdentityUnavailable(f"{url} answers too much")
        except httpx.HTTPError as error:
            raise IdentityUnavailable(f"{url} does not answer: {error}") from error
        if response.status_code in (400, 401):
            raise IdentityRefused(f"{urlsplit(url).hostname} refused: {bytes(body[:200]).decode(errors='replace')}")
        try:
            found = json.loads(body)
        except ValueError as error:
            raise IdentityUnavailable(f"{url} does not answer JSON") from error
        if response.status_code != 200 or not isinstance(found, dict):
            raise IdentityUnavailable(f"{url} answered {response.status_code}")
        return found


def challenge_of(verifier: str) -> str:
    """Return the code_challenge of a code_verifier (RFC 7636, 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _check_url(url: str, what: str) -> None:
    """Return if secrets may go to a URL: over TLS, or on this machine."""
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return
    if parts.scheme != "http" or not _is_loopback(parts.hostname or ""):
        raise IdentityUnavailable(f"{what} must be an https URL")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
