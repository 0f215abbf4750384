"""The modules of OCPI, one file per chapter; importing this fills the registry.

Source: OCPI 2.3.0 (core, edition 2) and OCPI 2.3.0 Bookings 1.1.
"""

from hub.ocpi.modules import (
    bookings,
    cdrs,
    chargingprofiles,
    commands,
    credentials,
    hubclientinfo,
    invoicereconciliation,
    locations,
    sessions,
    tariffs,
    tokens,
    versions,
)

__all__ = [
    "bookings",
    "cdrs",
    "chargingprofiles",
    "commands",
    "credentials",
    "hubclientinfo",
    "invoicereconciliation",
    "locations",
    "sessions",
    "tariffs",
    "tokens",
    "versions",
]
