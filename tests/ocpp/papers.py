"""Certificates for tests: an authority, a server's chain, stations' own, of RSA and of elliptic curves."""

import datetime
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def new_key(kind: str) -> Key:
    return rsa.generate_private_key(65537, 2048) if kind == "RSA" else ec.generate_private_key(ec.SECP256R1())


def named(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def key_pem(key: Key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def csr(key: Key, common_name: str) -> str:
    """Return a signing request (PEM)."""
    request = x509.CertificateSigningRequestBuilder().subject_name(named(common_name)).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM).decode()


@dataclass
class Authority:
    """Issues certificates into a folder."""

    folder: Path
    kind: str = "EC"
    name: str = "Test CA"

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.key = new_key(self.kind)
        self.file = self.folder / f"{self.name}.pem"
        root = self._made(self.name, self.key, issuer=None)
        self.file.write_bytes(root.public_bytes(serialization.Encoding.PEM))

    def issue(self, common_name: str, kind: str = "EC") -> Path:
        """Return a file with a certificate and its key."""
        key = new_key(kind)
        file = self.folder / f"{len(list(self.folder.iterdir()))}.pem"
        made = self._made(common_name, key, issuer=self.name)
        file.write_bytes(made.public_bytes(serialization.Encoding.PEM) + key_pem(key))
        return file

    def _made(self, common_name: str, key: Key, issuer: str | None) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        hour = datetime.timedelta(hours=1)
        builder = (
            x509.CertificateBuilder()
            .subject_name(named(common_name))
            .issuer_name(named(issuer or common_name))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - hour)
            .not_valid_after(now + 24 * hour)
            .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        )
        if issuer is not None:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        return builder.sign(self.key, hashes.SHA256())
