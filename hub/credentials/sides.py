"""Which side a role is on, and which side speaks in a module: the CPO's or the eMSP's.

A Broadcast Push goes to the opposite side. The text names eMSP, NSP and OTHER as the eMSP's type of
role; NAP and SCSP, of which it says nothing, are taken as such too (docs/errata.md).

Source: OCPI 2.3.0, transport_and_format.asciidoc (Broadcast Push); terminology.asciidoc (Typical
OCPI implementations per Role).
"""

from typing import Literal

from hub.ocpi.interfaces import REGISTRY, InterfaceRole

Side = Literal["CPO", "EMSP"]

#: Nobody owns these modules; the eMSP's side sends, the CPO's side receives.
_ASKED_BY_EMSP = frozenset({"commands", "chargingprofiles"})


def side(role: str) -> Side | None:
    """Return the side of a role; a hub has none."""
    if role == "HUB":
        return None
    return "CPO" if role == "CPO" else "EMSP"


def opposite(of: Side) -> Side:
    """Return the other side."""
    return "EMSP" if of == "CPO" else "CPO"


def sending_side(module: str) -> Side | None:
    """Return the side with a module's Sender interface; None where either may have it."""
    if module in _ASKED_BY_EMSP:
        return "EMSP"
    declared = REGISTRY.get(module)
    return side(declared.owner) if declared is not None and declared.owner is not None else None


def implied(module: str, roles: set[str]) -> tuple[InterfaceRole, ...]:
    """Return the interface roles a platform of these roles has in a module."""
    if module == "hubclientinfo":
        return ("SENDER",) if "HUB" in roles else ("RECEIVER",)
    if module == "credentials":
        return ("SENDER",)
    sides, sending = {side(role) for role in roles}, sending_side(module)
    if sending is None or len(sides) != 1 or None in sides:
        return ("SENDER", "RECEIVER")
    return ("SENDER",) if sending in sides else ("RECEIVER",)
