"""Which versions of OCPI a platform has, and where the endpoints of each are.

Source: OCPI 2.3.0, version_information_endpoint.asciidoc.
"""

from typing import Annotated, Literal, TypedDict

from hub.ocpi.objects import URL, NonEmpty, OpenEnum

VersionNumber = Annotated[str, OpenEnum("2.0", "2.1", "2.1.1", "2.2", "2.2.1", "2.3.0")]

# The table of the text lacks invoicereconciliation and bookings (docs/errata.md, E-03).
ModuleID = Annotated[
    str,
    OpenEnum(
        "cdrs",
        "chargingprofiles",
        "commands",
        "credentials",
        "hubclientinfo",
        "locations",
        "sessions",
        "tariffs",
        "tokens",
        "invoicereconciliation",
        "bookings",
    ),
]

InterfaceRole = Literal["SENDER", "RECEIVER"]


class Version(TypedDict):
    """One version a platform has, and the URL of its details."""

    version: VersionNumber
    url: URL


class Endpoint(TypedDict):
    """Where one interface of a module is; the role says nothing for ``credentials``."""

    identifier: ModuleID
    role: InterfaceRole
    url: URL


class VersionDetails(TypedDict):
    """All endpoints of one version."""

    version: VersionNumber
    endpoints: Annotated[list[Endpoint], NonEmpty()]
