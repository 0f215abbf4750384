"""Asking certificates' OCSP responders: what becomes of a GetCertificateStatusRequest, and of a contract's certificate.

The responder's URL is a stranger's: it is called only through ``Ask``, which guards and bounds it. What it answers is
believed where it is about the certificate asked for and of now; where it brings its signer's certificate,
that has to have signed it. Whose authority that signer is, the station and the car judge: they have the
roots of plug and charge. An answer is kept until its ``nextUpdate``.

Source: RFC 6960 (OCSP); OCPP 2.0.1 part 2, C07 (contract certificates), M06 (certificate status).
"""

import base64
import datetime
import itertools
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from hub.ocpp.words import JSONObject

log = logging.getLogger(__name__)

#: Posts an OCSP request (DER) to a stranger's URL; None: there is no answer.
Ask = Callable[[str, bytes], Awaitable[bytes | None]]

_HASHES: dict[str, Callable[[], hashes.HashAlgorithm]] = {
    "SHA256": hashes.SHA256, "SHA384": hashes.SHA384, "SHA512": hashes.SHA512,
}  # fmt: skip
_LONGEST = 5500 // 4 * 3  # bytes that fit into ocspResult
_REMEMBERED = 1024  # answers
_LEEWAY = datetime.timedelta(minutes=5)  # a responder's clock may be ahead of ours


@dataclass(frozen=True, kw_only=True)
class _Known:
    """An answer, and until when it holds."""

    response: bytes
    status: ocsp.OCSPCertStatus
    until: datetime.datetime


class _NoAnswer(Exception):
    """A responder did not tell what was asked; the message says why."""


class Responders:
    """The OCSP responders that stations name."""

    def __init__(self, ask: Ask, clock: Callable[[], datetime.datetime]) -> None:
        self._ask = ask
        self._clock = clock
        self._known: dict[tuple[str, ...], _Known] = {}

    async def response(self, about: JSONObject) -> str | None:
        """Return the OCSP response about a certificate, Base64 of its DER; None: there is none.

        Args:
            about: OCSPRequestDataType.
        """
        found = await self._find(about)
        if found is None or len(found.response) > _LONGEST:
            return None
        return base64.b64encode(found.response).decode()

    async def contract_status(self, about: Sequence[JSONObject], chain: str | None) -> str:
        """Return what is to be said of a contract certificate (AuthorizeCertificateStatusEnumType).

        A chain without hashes asks us to judge its root, and we trust none (C07).

        Args:
            about: OCSPRequestDataType, of each certificate of the chain.
            chain: PEM, the contract's own certificate first.
        """
        if chain is not None and (wrong := _wrong_with(chain, self._clock())) is not None:
            return wrong
        if not about:
            return "CertChainError"
        found = [await self._find(each) for each in about]
        if any(each is not None and each.status is ocsp.OCSPCertStatus.REVOKED for each in found):
            return "CertificateRevoked"
        good = all(each is not None and each.status is ocsp.OCSPCertStatus.GOOD for each in found)
        return "Accepted" if good else "NoCertificateAvailable"

    async def _find(self, about: JSONObject) -> _Known | None:
        key = tuple(
            about[name].casefold() for name in ("hashAlgorithm", "issuerNameHash", "issuerKeyHash", "serialNumber")
        )
        known = self._known.pop(key, None)
        if known is None or known.until <= self._clock():
            try:
                known = await self._asked(about)
            except _NoAnswer as error:
                log.warning("%s says nothing of a certificate: %s", about["responderURL"], error)
                return None
        self._known[key] = known
        if len(self._known) > _REMEMBERED:
            del self._known[next(iter(self._known))]
        return known

    async def _asked(self, about: JSONObject) -> _Known:
        request = _request(about)
        body = await self._ask(about["responderURL"], request.public_bytes(Encoding.DER))
        if body is None:
            raise _NoAnswer("no answer")
        try:
            response = ocsp.load_der_ocsp_response(body)
            if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
                raise _NoAnswer(response.response_status.name)
            return _judged(response, request, body, self._clock())
        except (ValueError, UnsupportedAlgorithm) as error:
            raise _NoAnswer(f"no OCSP response: {error}") from error


def _request(about: JSONObject) -> ocsp.OCSPRequest:
    try:
        algorithm = _HASHES[about["hashAlgorithm"]]()
        name, key = (bytes.fromhex(about[each]) for each in ("issuerNameHash", "issuerKeyHash"))
        serial = int(about["serialNumber"], 16)
        return ocsp.OCSPRequestBuilder().add_certificate_by_hash(name, key, serial, algorithm).build()
    except (ValueError, OverflowError) as error:
        raise _NoAnswer(f"what was asked is no certificate: {error}") from error


def _judged(response: ocsp.OCSPResponse, request: ocsp.OCSPRequest, body: bytes, now: datetime.datetime) -> _Known:
    if not _signed(response):
        raise _NoAnswer("its signature is wrong")
    asked = (request.serial_number, request.issuer_key_hash, request.issuer_name_hash)
    for each in response.responses:
        if (each.serial_number, each.issuer_key_hash, each.issuer_name_hash) != asked:
            continue
        until = each.next_update_utc
        if each.this_update_utc > now + _LEEWAY or (until is not None and until <= now):
            raise _NoAnswer("it is not of now")
        # Without a nextUpdate newer information is available all the time (RFC 6960, 4.2.2.1).
        return _Known(response=body, status=each.certificate_status, until=until or now)
    raise _NoAnswer("it is about another certificate")


def _signed(response: ocsp.OCSPResponse) -> bool:
    """Whether one of the certificates a response brings has signed it; one that brings none is left to its readers."""
    brought = [each for each in response.certificates if _is_signer(response, each)]
    return not response.certificates or any(_has_signed(response, each) for each in brought)


def _is_signer(response: ocsp.OCSPResponse, certificate: x509.Certificate) -> bool:
    if response.responder_name is not None:
        return response.responder_name == certificate.subject
    key = x509.SubjectKeyIdentifier.from_public_key(certificate.public_key())
    return response.responder_key_hash == key.digest


def _has_signed(response: ocsp.OCSPResponse, certificate: x509.Certificate) -> bool:
    key, digest = certificate.public_key(), response.signature_hash_algorithm
    signed, signature = response.tbs_response_bytes, response.signature
    try:
        if isinstance(key, ec.EllipticCurvePublicKey) and digest is not None:
            key.verify(signature, signed, ec.ECDSA(digest))
        elif isinstance(key, rsa.RSAPublicKey) and digest is not None:
            key.verify(signature, signed, padding.PKCS1v15(), digest)
        else:
            return False
    except InvalidSignature:
        return False
    return True


def _wrong_with(chain: str, now: datetime.datetime) -> str | None:
    """Return what is wrong with a chain (PEM) in itself; None: nothing."""
    try:
        certificates = x509.load_pem_x509_certificates(chain.encode())
    except ValueError:
        return "CertChainError"
    if any(not each.not_valid_before_utc <= now < each.not_valid_after_utc for each in certificates):
        return "CertificateExpired"
    for below, above in itertools.pairwise(certificates):
        try:
            below.verify_directly_issued_by(above)
        except InvalidSignature:
            return "SignatureError"
        except (ValueError, TypeError):
            return "CertChainError"
    return None
