"""Who calls an API: a staff member, a key or a driver, with what he may do."""

from dataclasses import dataclass
from typing import Literal

from hub.api.realms import Access


@dataclass(frozen=True, kw_only=True)
class Principal:
    """A caller whose token was found right.

    Attributes:
        id: of the account, the key or the driver.
        name: of a staff member his e-mail address, of a key its name.
        role: of a staff member; "" of others.
        login_id: the log-in the token belongs to; "" of a key.
    """

    kind: Literal["account", "key", "driver", "nobody", "console"]
    id: str
    name: str
    role: str = ""
    scopes: frozenset[str] = frozenset()
    login_id: str = ""

    def may(self, access: str) -> bool:
        """Return whether this caller may use what asks for this."""
        if access is Access.PUBLIC:
            return True
        return self.kind != "nobody" if access is Access.SIGNED_IN else access in self.scopes


#: Who gave no token.
NOBODY = Principal(kind="nobody", id="", name="")

#: Who changes something on the command line, on the machine itself.
CONSOLE = Principal(kind="console", id="", name="command line")
