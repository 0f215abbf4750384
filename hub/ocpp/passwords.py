"""Stations' passwords: made, hashed, judged.

One we make has 160 random bits, which no list of guesses holds, and is kept as a fast hash; one a person chose is kept
by argon2id. That is slow on purpose, so it is computed off the event loop, once for a password that is right: from then
on a hash keyed with bytes only this process knows tells it again.

Source: OCPP-J 1.6, 6.2.2 (the key as 40 hexadecimal digits, or as the 20 bytes they mean); OCPP 1.6 security
whitepaper, A00.FR.204 to 206; OCPP 2.0.1 part 2, A00.FR.201 to 207 (BasicAuthPassword of 16 to 40 characters).
"""

import asyncio
import base64
import binascii
import hmac
import secrets
from collections import Counter, OrderedDict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

SHORTEST, LONGEST = 16, 40  # characters of a BasicAuthPassword

_FAST = "blake2b$"
# What OWASP names as the least for argon2id.
_slow = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)

_REMEMBERED = 50_000  # right passwords
_AT_ONCE = 2  # slow checks of one station that run or wait: who guesses at one keeps no other from being let in


def new_password() -> str:
    """Return 160 random bits as 40 hexadecimal digits: a form both readings of 1.6, and 2.0.1, take."""
    return secrets.token_hex(20)


def hashed(password: str, *, made: bool = False) -> str:
    """Return what is kept of a password.

    Args:
        made: whether ``new_password`` made it.
    """
    return _fast(password.encode()) if made else _slow.hash(password)


def _fast(password: bytes) -> str:
    return _FAST + blake2b(password, digest_size=32, person=b"emall station").hexdigest()


class TooManyGuesses(Exception):
    """Passwords of this station are being checked already; it may come again in a moment."""


class Passwords:
    """Judges the passwords presented to one process."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._right: OrderedDict[bytes, str] = OrderedDict()
        self._threads = ThreadPoolExecutor(2, "emall-argon2")
        self._checked: Counter[str] = Counter()

    async def find(self, station_id: str, presented: bytes, hashes: Sequence[str]) -> str | None:
        """Return the hash a presented password belongs to; None: it is wrong.

        Raises:
            TooManyGuesses: others of this station are being checked.
        """
        mark = blake2b(station_id.encode() + b"\0" + presented, key=self._key, digest_size=16).digest()
        known = self._right.get(mark)
        if known is not None and known in hashes:
            self._right.move_to_end(mark)
            return known
        found = _find_fast(presented, hashes)
        if found is None and any(not each.startswith(_FAST) for each in hashes):
            found = await self._find_slow(station_id, presented, hashes)
            if found is not None:
                self._remember(mark, found)
        return found

    async def _find_slow(self, station_id: str, presented: bytes, hashes: Sequence[str]) -> str | None:
        if self._checked[station_id] >= _AT_ONCE:
            raise TooManyGuesses
        self._checked[station_id] += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, _find_slow, presented, hashes)
        finally:
            self._checked[station_id] -= 1
            if not self._checked[station_id]:
                del self._checked[station_id]

    def _remember(self, mark: bytes, found: str) -> None:
        self._right[mark] = found
        if len(self._right) > _REMEMBERED:
            self._right.popitem(last=False)

    def close(self) -> None:
        """Let go of the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _readings(presented: bytes) -> Iterator[bytes]:
    """Yield what a presented password may mean: itself, and if it is 20 raw bytes the digits that stand for them."""
    yield presented
    if len(presented) == 20 and not (presented.isascii() and presented.decode("ascii").isprintable()):
        yield presented.hex().encode()
        yield presented.hex().upper().encode()


def _find_fast(presented: bytes, hashes: Sequence[str]) -> str | None:
    for reading in _readings(presented):
        mine = _fast(reading)
        for each in hashes:
            if hmac.compare_digest(mine, each):
                return each
    return None


def _find_slow(presented: bytes, hashes: Sequence[str]) -> str | None:
    for each in hashes:
        if each.startswith(_FAST):
            continue
        for reading in _readings(presented):
            try:
                if _slow.verify(each, reading):
                    return each
            except (Argon2Error, InvalidHashError):
                continue
    return None


def credentials_of(authorization: str | None) -> tuple[bytes, bytes] | None:
    """Return user and password of a Basic Authorization header, not decoded; None: there are none.

    The user is all before the first colon (RFC 7617); what follows may be any bytes.
    """
    if authorization is None:
        return None
    scheme, _, encoded = authorization.strip().partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return None
    return (user, password) if colon else None
