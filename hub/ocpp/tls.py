"""TLS for stations: the listener's certificate, and whose client certificates are trusted.

Source: OCPP 1.6 security whitepaper, 2.4 (TLS 1.2 or later); OCPP 2.0.1 part 2, A00.FR.309 to 319.
"""

import ssl
from collections.abc import Sequence
from pathlib import Path


class BadTls(Exception):
    """The files cannot be used; the message is one line that ends with a remedy."""


def server_context(certificate: Path, key: Path | None = None, *, authorities: Sequence[Path] = ()) -> ssl.SSLContext:
    """Return how a listener does TLS.

    Args:
        certificate: our chain (PEM), our own certificate first.
        key: its key (PEM); None: it is in the same file.
        authorities: files (PEM) of those whose client certificates are trusted; a station that shows none is still
            let through here, for it may prove itself by a password.

    Raises:
        BadTls: a file is missing or is not what it should be.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
    except OSError as error:
        raise BadTls(
            f"{certificate}{f' with {key}' if key else ''}: {_why(error)}; give a PEM chain and its key"
        ) from error
    if authorities:
        context.verify_mode = ssl.CERT_OPTIONAL
    for file in authorities:
        try:
            context.load_verify_locations(file)
        except OSError as error:
            raise BadTls(f"{file}: {_why(error)}; give PEM certificates of authorities") from error
    # A session ticket of each of 10,000 stations is of no use: they stay connected.
    context.num_tickets = 0
    return context


def _why(error: OSError) -> str:
    return error.strerror or str(error) or "unusable"
