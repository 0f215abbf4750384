"""Who calls the operator API: a staff member or a key, with what it may do."""

from dataclasses import dataclass
from typing import Literal

from hub.cpms.api.scopes import Access, Scope


@dataclass(frozen=True, kw_only=True)
class Principal:
    """A caller whose token was found right.

    Attributes:
        id: of the account or the key.
        name: of a staff member his e-mail address, of a key its name.
        role: of a staff member; "" of a key.
        login_id: the log-in the token belongs to; "" of a key.
    """

    kind: Literal["account", "key", "nobody", "console"]
    id: str
    name: str
    role: str = ""
    scopes: frozenset[Scope] = frozenset()
    login_id: str = ""

    def may(self, access: Scope | Access) -> bool:
        """Return whether this caller may use what asks for this."""
        if access is Access.PUBLIC:
            return True
        return self.kind != "nobody" if access is Access.SIGNED_IN else access in self.scopes


#: Who gave no token.
NOBODY = Principal(kind="nobody", id="", name="")

#: Who changes something on the command line, on the machine itself.
CONSOLE = Principal(kind="console", id="", name="command line", scopes=frozenset(Scope))
