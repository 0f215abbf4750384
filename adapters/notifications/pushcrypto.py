"""How a web push message is encrypted and its sender proven.

Source: RFC 8291 (encryption for web push), RFC 8188 (aes128gcm), RFC 8292 (VAPID).
"""

import base64
import json
import os
import struct

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256 (SEC 2, 2.4.2)
_RECORD = 4096  # bytes; a push service takes at least this (RFC 8030, 7.2)
LONGEST = _RECORD - 16 - 1 - 86  # bytes of a message: less its tag, its delimiter and the header


def base64url(value: bytes) -> str:
    """Return bytes in base64url without padding."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """Return the bytes of base64url, padded or not."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def key_of(seed: bytes) -> ec.EllipticCurvePrivateKey:
    """Return the key of a secret of 32 bytes: the same secret, the same key, so subscriptions outlive restarts."""
    return ec.derive_private_key(int.from_bytes(seed, "big") % (_ORDER - 1) + 1, ec.SECP256R1())


def point(key: ec.EllipticCurvePublicKey) -> bytes:
    """Return a public key as an uncompressed point."""
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def encrypt(
    text: bytes,
    *,
    receiver: bytes,
    auth: bytes,
    key: ec.EllipticCurvePrivateKey | None = None,
    salt: bytes | None = None,
) -> bytes:
    """Return a message for one subscription, in one record.

    Args:
        receiver: its public key, an uncompressed point.
        auth: its authentication secret.
        key: of this message alone; None: a new one.
        salt: 16 bytes; None: new ones.

    Raises:
        ValueError: the message is too long, or the receiver's key is no point of P-256.
    """
    if len(text) > LONGEST:
        raise ValueError(f"a push message has {LONGEST} bytes at most")
    key, salt = key or ec.generate_private_key(ec.SECP256R1()), salt or os.urandom(16)
    sender = point(key.public_key())
    shared = key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), receiver))
    secret = _derive(shared, salt=auth, info=b"WebPush: info\0" + receiver + sender, length=32)
    content_key = _derive(secret, salt=salt, info=b"Content-Encoding: aes128gcm\0", length=16)
    nonce = _derive(secret, salt=salt, info=b"Content-Encoding: nonce\0", length=12)
    header = salt + struct.pack("!IB", _RECORD, len(sender)) + sender
    return header + AESGCM(content_key).encrypt(nonce, text + b"\x02", None)


def _derive(secret: bytes, *, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=salt, info=info).derive(secret)


def vapid(key: ec.EllipticCurvePrivateKey, *, audience: str, subject: str, expires: int) -> str:
    """Return the Authorization header by which a push service knows who sends.

    Args:
        audience: origin of the push service.
        subject: mailto: or https: of the provider.
        expires: seconds since 1970, at most a day ahead.
    """
    claims = {"aud": audience, "exp": expires, "sub": subject}
    signed = ".".join(base64url(json.dumps(each).encode()) for each in ({"typ": "JWT", "alg": "ES256"}, claims))
    r, s = utils.decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    token = f"{signed}.{base64url(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"
    return f"vapid t={token}, k={base64url(point(key.public_key()))}"
