"""OCPI versions side by side: the newest, and each older one as its differences from the next newer."""

from hub.ocpi.versions.steps import Version
from hub.ocpi.versions.v2_2_1 import V2_2_1
from hub.ocpi.versions.v2_3_0 import V2_3_0

VERSIONS: dict[str, Version] = {version.number: version for version in (V2_2_1, V2_3_0)}

#: A deprecated version that is spoken like another (VersionNumber), to those an operator allows it.
SPOKEN_AS = {"2.2": "2.2.1"}


def inner_version(number: str) -> str:
    """Return the version whose rules a version is spoken by."""
    return SPOKEN_AS.get(number, number)


__all__ = ["SPOKEN_AS", "V2_2_1", "V2_3_0", "VERSIONS", "Version", "inner_version"]
