"""Tokens: made at random, kept as keyed hashes where others present them, sealed where we send them.

One key, in the data folder or in ``EMALL_SECRET_KEY``, from which both uses are derived. Whoever
has the store without the key can neither present nor read a token.

Source: OCPI 2.3.0, credentials.asciidoc (Credentials object, token).
"""

import os
import secrets
import tempfile
from hashlib import blake2b
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hub.database.contract import DatabaseUnavailable

FILE_NAME = "secret.key"
VARIABLE = "EMALL_SECRET_KEY"

_SHORTEST = 32  # characters of a key an operator gives
_NONCE = 12  # bytes

OTHER_KEY = (
    f"the store was begun with another secret key; give that one in {VARIABLE},"
    f" or its file {FILE_NAME} in the data folder"
)


class SecretUnavailable(DatabaseUnavailable):
    """The key cannot be used; the message is one line that ends with a remedy."""


class Secrets:
    """What can be done with the key; the key itself is never shown.

    Args:
        key: at least 32 bytes.
    """

    def __init__(self, key: bytes) -> None:
        self._hash_key = blake2b(key, digest_size=32, person=b"emall hash").digest()
        self._cipher = AESGCM(blake2b(key, digest_size=32, person=b"emall seal").digest())

    def __repr__(self) -> str:
        return "Secrets(...)"

    def hash(self, token: bytes) -> bytes:
        """Return the keyed hash a token is found by; fast, for 256 random bits need no slow one."""
        return blake2b(token, key=self._hash_key, digest_size=32).digest()

    def derived(self, purpose: bytes) -> bytes:
        """Return 32 bytes for a purpose, the same on every node, that say nothing of the key."""
        return blake2b(purpose, key=self._hash_key, digest_size=32, person=b"emall derive").digest()

    def seal(self, token: str, owner: str) -> bytes:
        """Return a token encrypted; only for the same owner (a connection's id) does it open again."""
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._cipher.encrypt(nonce, token.encode(), owner.encode())

    def open(self, sealed: bytes, owner: str) -> str:
        """Return a sealed token.

        Raises:
            SecretUnavailable: it was sealed with another key, or for another owner.
        """
        try:
            return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], owner.encode()).decode()
        except InvalidTag as error:
            raise SecretUnavailable(OTHER_KEY) from error

    @property
    def check(self) -> int:
        """A number that tells keys apart and says nothing of them."""
        return int.from_bytes(self.hash(b"the key this store was begun with")[:7], "big")


def new_token() -> str:
    """Return a credentials token: 256 random bits in 43 characters without white space."""
    return secrets.token_urlsafe(32)


def open_secrets(folder: Path) -> Secrets:
    """Return the key of ``EMALL_SECRET_KEY``, else that of the data folder, made at the first start.

    Nodes that share a PostgreSQL store need the same key: the variable, or the same file.

    Raises:
        SecretUnavailable: the variable is too short, or the file can be neither read nor made.
    """
    given = os.environ.get(VARIABLE)
    if given:
        if len(given) < _SHORTEST:
            raise SecretUnavailable(f"{VARIABLE} has fewer than {_SHORTEST} characters; give a longer one")
        return Secrets(given.encode())
    file = folder / FILE_NAME
    try:
        if not file.exists():
            _make(file)
        key = file.read_bytes()
    except OSError as error:
        raise SecretUnavailable(
            f"{file}: {error.strerror}; give this user permission on it, or set {VARIABLE}"
        ) from error
    if len(key) < _SHORTEST:
        raise SecretUnavailable(f"{file} is damaged; restore it from a backup")
    return Secrets(key)


def _make(file: Path) -> None:
    """Make the key file, whole or not at all; of processes that come together one makes it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=".secret")  # readable by its owner alone
    try:
        with os.fdopen(handle, "wb") as opened:
            opened.write(secrets.token_hex(32).encode())
            opened.flush()
            os.fsync(opened.fileno())
        os.link(name, file)
    except FileExistsError:
        return
    finally:
        os.unlink(name)
