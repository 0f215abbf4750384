"""HTTP out: one request to a URL a peer gave, one answer, and nothing done unasked.

The URL and the body travel byte for byte, no redirect is followed, no proxy and no cookie used,
TLS verified; where a request may go is the guard's to say. Why no HTTP client library: decision
0009.
"""

from hub.ocpi.wire.answers import Answer, BadAnswer, ConnectionFailed, ForbiddenURL, NoAnswer, WireError
from hub.ocpi.wire.lines import Lines
from hub.ocpi.wire.sending import Wire

__all__ = ["Answer", "BadAnswer", "ConnectionFailed", "ForbiddenURL", "Lines", "NoAnswer", "Wire", "WireError"]
