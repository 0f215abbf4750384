"""What the room of drivers needs of the rooms beside it, and of other makers' systems."""

import datetime
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from hub.database.contract import Transaction
from hub.ocpi.objects import JSON, JSONObject

#: Where the time comes from: aware, UTC.
Now = Callable[[], datetime.datetime]


class Credit(Protocol):
    """What a driver's purse allows."""

    async def refusal(self, driver_id: str, cpo: str) -> str | None:
        """Return why a driver has not enough credit to begin a charge, in words for him; None: he has."""
        ...


class AlwaysCredit:
    """For a provider that bills afterwards."""

    async def refusal(self, driver_id: str, cpo: str) -> str | None:
        """Return None: nobody is refused."""
        return None


#: Returns what another room knows of a driver, for his export: a name and JSON.
Recall = Callable[[str], Awaitable[tuple[str, JSON]]]
#: Erases or makes pseudonymous what another room knows of a driver, in the transaction that erases him.
Forget = Callable[[Transaction, str], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Brand:
    """One brand of the provider, with an identity provider of its own.

    Attributes:
        name: in paths and rows.
        title: what drivers are shown.
        issuer: URL of the identity provider.
        redirect_uris: where its drivers may come back to.
        token_claim: claim that holds the uid of the driver's OCPI Token; without it one is made.
        email_claim: claim that holds the address; his only if the provider says it verified it.
    """

    name: str
    title: str
    issuer: str
    client_id: str
    redirect_uris: tuple[str, ...]
    client_secret: str = ""
    scopes: str = "openid profile email"
    token_claim: str = "ocpi_token_uid"  # noqa: S105  the name of a claim
    email_claim: str = "email"


class IdentityRefused(Exception):
    """The identity provider did not say that he is who he claims to be."""


class IdentityUnavailable(Exception):
    """The identity provider cannot be reached, or does not speak OpenID Connect."""


class Identities(Protocol):
    """Speaks OpenID Connect with the identity providers of brands."""

    async def address(
        self, brand: Brand, *, redirect_uri: str, state: str, nonce: str, verifier: str, language: str = ""
    ) -> str:
        """Return where a driver is sent to log in.

        Raises:
            IdentityUnavailable: its configuration cannot be read.
        """
        ...

    async def claims(
        self, brand: Brand, *, code: str, redirect_uri: str, nonce: str, verifier: str
    ) -> Mapping[str, JSON]:
        """Return the claims of the ID Token a code stands for; their signature, audience, nonce and times are checked.

        Raises:
            IdentityRefused: the code or the ID Token is not good.
            IdentityUnavailable: it cannot be reached.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class NoIdentities:
    """For a provider without brands: nobody is known elsewhere."""

    async def address(
        self, brand: Brand, *, redirect_uri: str, state: str, nonce: str, verifier: str, language: str = ""
    ) -> str:
        """Raise IdentityUnavailable."""
        raise IdentityUnavailable(brand.issuer)

    async def claims(
        self, brand: Brand, *, code: str, redirect_uri: str, nonce: str, verifier: str
    ) -> Mapping[str, JSON]:
        """Raise IdentityUnavailable."""
        raise IdentityUnavailable(brand.issuer)

    async def close(self) -> None:
        """Do nothing."""


#: Returns a Location by CPO and id; None: it is not known here.
LocationOf = Callable[[str, str], Awaitable[JSONObject | None]]
