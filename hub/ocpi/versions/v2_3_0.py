"""OCPI 2.3.0 (core, edition 2) with its Bookings module: the newest version, what the declarations say.

Source: OCPI 2.3.0, version_information_endpoint.asciidoc; OCPI 2.3.0 Bookings 1.1.
"""

from hub.ocpi import modules
from hub.ocpi.versions.steps import Version

V2_3_0 = Version("2.3.0", modules=frozenset(modules.__all__))
