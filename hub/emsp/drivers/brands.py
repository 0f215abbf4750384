"""Logging in at a brand's identity provider: the driver's password never comes here.

Each brand is a realm of its own: its drivers are found by its issuer alone, and nobody is recognised by an e-mail
address.

Source: INCAR-UC001, INCAR-UC002, INCAR-AU01, INCAR-AU03, X-38, X-39; OpenID Connect Core 1.0; decision 0030.
"""

import datetime
import secrets
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from hub.api.credentials import hash_of, new_token, stored
from hub.api.problems import Conflict, LoginRefused, NotFound, Unavailable, invalid
from hub.database.contract import Database, Transaction
from hub.emsp.drivers.logins import Device, DriverLoggedIn, Logins
from hub.emsp.drivers.needs import Brand, Identities, IdentityRefused, IdentityUnavailable, Now
from hub.emsp.drivers.people import People, settled
from hub.emsp.drivers.tokens import Tokens
from hub.ocpi.objects import JSON

_JOURNEY = datetime.timedelta(minutes=10)
_NAME, _UID = 100, 36  # characters

REFUSED = "The identity provider did not accept this log-in; try again"


class Brands:
    """The brands of the provider.

    Args:
        identities: speaks with their identity providers.
    """

    def __init__(
        self, database: Database, *, brands: Sequence[Brand], identities: Identities, people: People, tokens: Tokens,
        logins: Logins, now: Now,
    ) -> None:  # fmt: skip
        self._database = database
        self._brands = {each.name: each for each in brands}
        self._identities = identities
        self._people = people
        self._tokens = tokens
        self._logins = logins
        self._now = now

    def all(self) -> list[Brand]:
        """Return the brands a driver can choose from, in the operator's order."""
        return list(self._brands.values())

    async def begin(self, name: str, redirect_uri: str, language: str = "") -> str:
        """Return where to send a driver to log in.

        Raises:
            NotFound: there is no such brand.
            Invalid: the brand's drivers do not come back there.
            Unavailable: its identity provider cannot be reached.
        """
        brand = self._brands.get(name)
        if brand is None:
            raise NotFound("There is no such brand")
        if redirect_uri not in brand.redirect_uris:
            raise invalid("$.redirect_uri", "must be one of those the brand was set up with")
        state, nonce, verifier = new_token(), new_token(), secrets.token_urlsafe(48)
        try:
            address = await self._identities.address(
                brand, redirect_uri=redirect_uri, state=state, nonce=nonce, verifier=verifier, language=language
            )
        except (IdentityUnavailable, IdentityRefused) as error:
            raise Unavailable(f"{brand.title} cannot be asked at the moment; try again in a while") from error
        await self._database.transact(lambda tx: self._depart(tx, brand, state, nonce, verifier, redirect_uri))
        return address

    async def _depart(
        self, tx: Transaction, brand: Brand, state: str, nonce: str, verifier: str, redirect_uri: str
    ) -> None:
        await tx.execute("DELETE FROM emsp_journey WHERE expires_at <= $1", stored(self._now()))
        await tx.execute(
            "INSERT INTO emsp_journey (state_hash, brand, nonce, verifier, redirect_uri, expires_at)"
            " VALUES ($1, $2, $3, $4, $5, $6)",
            hash_of(state),
            brand.name,
            nonce,
            verifier,
            redirect_uri,
            stored(self._now() + _JOURNEY),
        )

    async def finish(self, state: str, code: str, device: Device) -> DriverLoggedIn:
        """Log a driver in who came back with a code; the first time makes him known.

        Raises:
            Invalid: he did not leave from here, or too long ago, or came back twice.
            LoginRefused: the identity provider does not vouch for him; no token is issued.
            Conflict: the OCPI Token it says is his is somebody else's.
            Unavailable: the identity provider cannot be reached.
        """
        rows = await self._database.transact(
            lambda tx: tx.fetch(
                "DELETE FROM emsp_journey WHERE state_hash = $1 AND expires_at > $2"
                " RETURNING brand, nonce, verifier, redirect_uri",
                hash_of(state),
                stored(self._now()),
            )
        )
        brand = self._brands.get(rows[0][0]) if rows else None
        if brand is None:
            raise invalid("$.state", "this log-in was finished already or is too old; begin again")
        _, nonce, verifier, redirect_uri = rows[0]
        try:
            claims = await self._identities.claims(
                brand, code=code, redirect_uri=redirect_uri, nonce=nonce, verifier=verifier
            )
        except IdentityRefused as error:
            raise LoginRefused(REFUSED) from error
        except IdentityUnavailable as error:
            raise Unavailable(f"{brand.title} cannot be asked at the moment; try again in a while") from error
        return await settled(self._database, lambda tx: self._arrived(tx, brand, claims, device))

    async def _arrived(
        self, tx: Transaction, brand: Brand, claims: Mapping[str, JSON], device: Device
    ) -> DriverLoggedIn:  # fmt: skip
        subject = str(claims["sub"])
        rows = await tx.fetch(
            "SELECT driver_id FROM emsp_identity WHERE issuer = $1 AND subject = $2", brand.issuer, subject
        )
        driver_id = rows[0][0] if rows else await self._welcome(tx, brand, claims, subject)
        driver = await self._people.locked(tx, driver_id)
        if driver.state in ("GONE", "ERASED"):
            raise LoginRefused("This account is closed")
        return await self._logins.add(tx, driver_id, device)

    async def _welcome(self, tx: Transaction, brand: Brand, claims: Mapping[str, JSON], subject: str) -> str:
        """Make a driver of somebody an identity provider vouches for, with the OCPI Token it says is his."""
        email = claims.get(brand.email_claim) if claims.get("email_verified") is True else None
        if not isinstance(email, str) or await self._people.taken(tx, brand=brand.name, email=email):
            email = None
        driver = await self._people.add(
            tx,
            brand=brand.name,
            email=email,
            name=_line(claims.get("given_name") or claims.get("name")),
            surname=_line(claims.get("family_name")),
            language=_language(claims.get("locale")),
            confirmed=True,
        )
        await tx.execute(
            "INSERT INTO emsp_identity (id, issuer, subject, driver_id, created_at) VALUES ($1, $2, $3, $4, $5)",
            str(uuid.uuid4()),
            brand.issuer,
            subject,
            driver.id,
            stored(self._now()),
        )
        uid = _uid(claims.get(brand.token_claim))
        if uid is not None and await self._tokens.taken(tx, driver.id, kind="APP_USER", uid=uid):
            raise Conflict("The token your provider knows you by is another driver's; write to us")
        await self._tokens.add(tx, driver, "APP_USER", uid=uid)
        return driver.id


def read_brands(path: Path) -> list[Brand]:
    """Return the brands of a JSON file: a list of objects with the fields of ``Brand``.

    Raises:
        ValueError: it is none; the message says where.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[Brand])
    except msgspec.DecodeError as error:
        raise ValueError(f"{path}: {error}") from error


def _line(value: JSON) -> str:
    return "".join(each for each in str(value or "") if each.isprintable())[:_NAME]


def _language(value: JSON) -> str:
    text = str(value or "")[:2].lower()
    return text if len(text) == 2 and text.isascii() and text.isalpha() else "en"


def _uid(value: JSON) -> str | None:
    """Return a claim that can be the uid of a Token (CiString(36)); None: it cannot."""
    text = value if isinstance(value, str) else ""
    return text if 0 < len(text) <= _UID and text.isascii() and text.isprintable() else None
