"""Passwords: argon2id, off the event loop, a few at a time, in the same time for everyone.

Source: RFC 9106 (argon2); NIST SP 800-63B, 5.1.1.2 (length and no rules of composition).
"""

import asyncio
import secrets
from typing import Annotated

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from hub.api.shapes import pattern

#: A password as it is chosen; how long it is counts, not what is in it.
NewPassword = Annotated[str, pattern("^[^\\u0000]+$", "a password without U+0000", least=12, most=200)]

_AT_ONCE = 2  # hashes under way: each takes 64 MiB and a core


class Passwords:
    """Makes and checks the hashes of passwords.

    Args:
        hasher: argon2id with its costs; by default those RFC 9106 recommends where memory is limited.
    """

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._nobodys = self._hasher.hash(secrets.token_urlsafe(32))

    async def hashed(self, password: str) -> str:
        """Return the hash that is kept."""
        async with self._slots:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def match(self, kept: str | None, password: str) -> bool:
        """Return whether a password is the one kept; without one it takes as long and is not."""
        async with self._slots:
            right = await asyncio.to_thread(self._verified, kept or self._nobodys, password)
        return right and kept is not None

    def _verified(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except (VerificationError, InvalidHashError):
            return False
