"""A realm: what one API has of its own, beside its routes.

Source: RFC 9110, 11.5 (protection space).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Access(StrEnum):
    """What a route asks for that asks for no scope."""

    PUBLIC = "public"
    SIGNED_IN = "signed in"


class Administration(StrEnum):
    """The scopes of the routes every API of ours has."""

    ACCOUNTS_READ = "accounts:read"
    ACCOUNTS_WRITE = "accounts:write"
    KEYS_READ = "keys:read"
    KEYS_WRITE = "keys:write"
    AUDIT_READ = "audit:read"


#: What a staff member is; what each may do is the realm's.
Role = Literal["admin", "operator", "finance", "viewer"]


@dataclass(frozen=True, kw_only=True)
class Realm:
    """One API.

    Scopes are words such as ``stations:read``; each party has them as a ``StrEnum`` of its own.

    Attributes:
        name: what its tables begin with, ``cpms`` for ``cpms_account``.
        path: where it is, below the public URL, ``/cpms/api/v1``.
        title: what its description is called.
        about: what its description says first.
        scopes: all there are.
        roles: which of them each role holds.
    """

    name: str
    path: str
    title: str
    about: str
    scopes: frozenset[str]
    roles: Mapping[Role, frozenset[str]]

    @property
    def key_scopes(self) -> frozenset[str]:
        """What a key may do that was made without naming scopes: all but give others access."""
        return self.scopes - {Administration.ACCOUNTS_WRITE, Administration.KEYS_WRITE}

    @property
    def account_table(self) -> str:
        return f"{self.name}_account"

    @property
    def login_table(self) -> str:
        return f"{self.name}_login"

    @property
    def key_table(self) -> str:
        return f"{self.name}_key"

    @property
    def audit_table(self) -> str:
        return f"{self.name}_audit"

    @property
    def idempotency_table(self) -> str:
        return f"{self.name}_idempotency"
