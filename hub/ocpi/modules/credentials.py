"""Who a platform is: its credentials token, its versions endpoint, its parties.

Source: OCPI 2.3.0, credentials.asciidoc.
"""

from collections.abc import Iterator
from typing import Annotated, NotRequired, TypedDict

from hub.ocpi.interfaces import Module
from hub.ocpi.modules.common import Role
from hub.ocpi.modules.locations import BusinessDetails
from hub.ocpi.objects import URL, CiString2, CiString3, CiString5, JSONObject, NonEmpty, Text
from hub.ocpi.schema import rule


class CredentialsRole(TypedDict):
    """One party of a platform in one role."""

    role: Role
    business_details: BusinessDetails
    party_id: CiString3
    country_code: CiString2


class Credentials(TypedDict):
    """What one platform tells another on registration; ``url`` is its versions endpoint.

    An empty token is refused: nobody could send it.
    """

    token: Annotated[str, Text(64, pattern=r"^[^\u0000-\u001f\u007f-\u009f]+$")]
    url: URL
    hub_party_id: NotRequired[CiString5 | None]
    roles: Annotated[list[CredentialsRole], NonEmpty()]


@rule(Credentials)
def roles_are_unique(value: JSONObject, path: str, partial: bool) -> Iterator[str]:
    """Each combination of role, party_id and country_code stands once."""
    seen: set[tuple[str, str, str]] = set()
    for index, each in enumerate(value.get("roles") or ()):
        role = (each["role"], each["country_code"].upper(), each["party_id"].upper())
        if role in seen:
            yield f"{path}.roles[{index}]: {' '.join(role)} is there twice"
        seen.add(role)


module = Module("credentials", owner=None, functional=False)
