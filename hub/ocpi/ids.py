"""Unique message ids.

Source: OCPI 2.3.0, transport_and_format.asciidoc (Unique message IDs); RFC 9562 (UUIDs).
"""

import random

_VARIANT = "89ab" * 4  # RFC 9562, 4.1


def message_id() -> str:
    """Return a new unique message id: a random UUID, as the text advises; it guards nothing."""
    digits = f"{random.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{_VARIANT[int(digits[16], 16)]}{digits[17:20]}-{digits[20:]}"
