"""The certificates a station has: installed roots, and its own, for which it makes key and signing request.

Source: OCPP 1.6 security whitepaper, A02, M03..M05; OCPP 2.0.1 edition 3, part 2, A02, M03..M06.
"""

import hashlib
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HashData = dict[str, str]


@dataclass(frozen=True)
class Installed:
    """A root certificate and what it is used for."""

    use: str
    pem: str
    hash_data: HashData


class Certificates:
    """The certificate store of one station.

    Attributes:
        chain: the station's own certificate and its issuers', as PEM; None: it has none.
    """

    def __init__(self, station_id: str) -> None:
        self._station_id = station_id
        self._key: ec.EllipticCurvePrivateKey | None = None
        self.installed: list[Installed] = []
        self.chain: str | None = None

    def install(self, use: str, pem: str) -> bool:
        """Install a root; False: it is no certificate."""
        hash_data = _hash_data(pem)
        if hash_data is None:
            return False
        self.installed = [each for each in self.installed if each.hash_data != hash_data]
        self.installed.append(Installed(use, pem, hash_data))
        return True

    def delete(self, hash_data: HashData) -> bool:
        """Remove a root; False: there is none of this hash."""
        found = [each for each in self.installed if _same(each.hash_data, hash_data)]
        self.installed = [each for each in self.installed if each not in found]
        return bool(found)

    def of(self, uses: list[str] | None) -> list[Installed]:
        """Return the roots for some uses; None: for any."""
        return [each for each in self.installed if uses is None or each.use in uses]

    def request(self, organization: str) -> str:
        """Make a key of P-256 and return a signing request for it, as PEM; the subject is the station's id."""
        self._key = ec.generate_private_key(ec.SECP256R1())
        names = [x509.NameAttribute(NameOID.COMMON_NAME, self._station_id)]
        if organization:
            names.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
        builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(names))
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()

    def accept(self, chain: str) -> bool:
        """Take a signed chain; False: it is none, or not for the key that was made last."""
        try:
            leaf = x509.load_pem_x509_certificates(chain.encode())[0]
        except (ValueError, IndexError):
            return False
        if self._key is None or leaf.public_key() != self._key.public_key():
            return False
        self.chain = chain
        return True


def _hash_data(pem: str) -> HashData | None:
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
    except ValueError:
        return None
    key = certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return {
        "hash_algorithm": "SHA256",
        "issuer_name_hash": hashlib.sha256(certificate.issuer.public_bytes()).hexdigest(),
        "issuer_key_hash": hashlib.sha256(key).hexdigest(),
        "serial_number": format(certificate.serial_number, "x"),
    }


def _same(ours: HashData, asked: HashData) -> bool:
    return all(str(asked.get(name, "")).lower() == value.lower() for name, value in ours.items())
