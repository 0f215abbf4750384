"""Stations' certificates: whose one is, and a small authority of our own that makes them.

A station of security profile 3 shows a certificate whose common name is its serial number; many makers put the
station's id there, and both are taken. Which authorities are trusted is the TLS listener's setting.

Source: OCPP 1.6 security whitepaper, 2.6 and A02; OCPP 2.0.1 part 2, A00.FR.301 to 325 and A02.
"""

import datetime
import os
import tempfile
from pathlib import Path
from typing import Any, Protocol

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

KEY_FILE, ROOT_FILE = "ocpp-ca.key.pem", "ocpp-ca.pem"

_ROOT_DAYS = 3650
_LEEWAY = datetime.timedelta(hours=1)  # a station's clock may be behind ours
_SMALLEST_RSA = 2048  # bits (A00.FR.503)
_CURVES = ("secp256r1", "secp384r1", "secp521r1")


class BadRequest(Exception):
    """A certificate signing request that is not signed; the message says why."""


class CertificateAuthority(Protocol):
    """Signs what stations ask to be signed."""

    async def sign(self, csr: str, names: frozenset[str]) -> str:
        """Return the chain (PEM, the station's own certificate first) for a signing request (PEM).

        Args:
            names: the common names this station may have.

        Raises:
            BadRequest: it is not signed.
        """
        ...


def names_of(certificate: bytes) -> frozenset[str]:
    """Return the common names of a certificate (DER)."""
    return _common_names(x509.load_der_x509_certificate(certificate).subject)


def summary_of(certificate: bytes) -> dict[str, Any]:
    """Return what is kept of a certificate (DER) a station came with."""
    read = x509.load_der_x509_certificate(certificate)
    return {
        "subject": read.subject.rfc4514_string(),
        "fingerprint": read.fingerprint(hashes.SHA256()).hex(),
        "not_after": read.not_valid_after_utc.isoformat().replace("+00:00", "Z"),
    }


def _common_names(subject: x509.Name) -> frozenset[str]:
    return frozenset(str(each.value) for each in subject.get_attributes_for_oid(NameOID.COMMON_NAME))


def checked_request(csr: str, names: frozenset[str]) -> x509.CertificateSigningRequest:
    """Return a signing request that may be signed: its own key signed it, the key is strong, the name is the station's.

    Raises:
        BadRequest: it may not.
    """
    try:
        request = x509.load_pem_x509_csr(csr.encode())
        genuine = request.is_signature_valid
        key = request.public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise BadRequest("it is no certificate signing request in PEM") from error
    if not genuine:
        raise BadRequest("it is not signed by its own key")
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < _SMALLEST_RSA:
            raise BadRequest(f"its RSA key has {key.key_size} bits; give one of at least {_SMALLEST_RSA}")
    elif not (isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _CURVES):
        raise BadRequest(f"its key is neither RSA nor of a curve of {', '.join(_CURVES)}")
    found = _common_names(request.subject)
    if len(found) != 1 or not found <= names:
        raise BadRequest(
            f"its common name is {', '.join(sorted(found)) or 'missing'}, not {' or '.join(sorted(names))}"
        )
    return request


class OwnAuthority:
    """A root of our own in the data folder, made when first needed.

    Args:
        folder: the data folder.
        days: how long a station's certificate is valid.
    """

    def __init__(self, folder: Path, *, days: int = 365) -> None:
        self._folder = folder
        self._days = days

    @property
    def root(self) -> Path:
        """The file of the root certificate (PEM), for a TLS listener to trust."""
        self._opened()
        return self._folder / ROOT_FILE

    async def sign(self, csr: str, names: frozenset[str]) -> str:
        """Return the station's certificate (PEM); the root above it is not sent, for it is trusted or it is not."""
        request = checked_request(csr, names)
        key, root = self._opened()
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(request.subject)
            .issuer_name(root.subject)
            .public_key(request.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _LEEWAY)
            .not_valid_after(now + datetime.timedelta(days=self._days))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(sign=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        )
        return _pem(builder.sign(key, hashes.SHA256()))

    def _opened(self) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
        if not (self._folder / ROOT_FILE).exists():
            _make(self._folder)
        key = serialization.load_pem_private_key((self._folder / KEY_FILE).read_bytes(), password=None)
        assert isinstance(key, ec.EllipticCurvePrivateKey), "we made it so"
        return key, x509.load_pem_x509_certificate((self._folder / ROOT_FILE).read_bytes())


def _make(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "emall charging stations")])
    now = datetime.datetime.now(datetime.UTC)
    root = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _LEEWAY)
        .not_valid_after(now + datetime.timedelta(days=_ROOT_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(sign=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _write(folder / KEY_FILE, secret)
    _write(folder / ROOT_FILE, _pem(root).encode())  # Last: where it is, the key is too.


def _usage(*, sign: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not sign, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=sign, crl_sign=sign, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _write(file: Path, data: bytes) -> None:
    """Write a file whole, readable by its owner alone."""
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=".ocpp-ca")
    with os.fdopen(handle, "wb") as opened:
        opened.write(data)
        opened.flush()
        os.fsync(opened.fileno())
    os.replace(name, file)
