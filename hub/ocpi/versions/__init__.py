"""OCPI versions side by side: the newest, and each older one as its differences from the next newer."""

from hub.ocpi.versions.steps import Version
from hub.ocpi.versions.v2_2_1 import V2_2_1
from hub.ocpi.versions.v2_3_0 import V2_3_0

VERSIONS: dict[str, Version] = {version.number: version for version in (V2_2_1, V2_3_0)}

__all__ = ["V2_2_1", "V2_3_0", "VERSIONS", "Version"]
