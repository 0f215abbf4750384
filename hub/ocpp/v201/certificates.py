"""What stations ask about certificates, for whoever can answer it.

Source: OCPP 2.0.1 part 2, M01 and M02 (Certificate installation and update, EV), M06 (Get V2G Charging Station
Certificate status).
"""

from typing import Protocol

from hub.ocpp.words import JSONObject


class CertificateService(Protocol):
    """A public key infrastructure behind the operator."""

    async def ev_certificate(self, station_id: str, request: JSONObject) -> str | None:
        """Return the answer to an EV's request for a contract certificate; None: there is none.

        Args:
            request: Get15118EVCertificateRequest: iso15118SchemaVersion, action, exiRequest (Base64).

        Returns:
            exiResponse, Base64.
        """
        ...

    async def certificate_status(self, request: JSONObject) -> str | None:
        """Return the OCSP response about a certificate (Base64 of its DER); None: there is none.

        Args:
            request: OCSPRequestDataType.
        """
        ...


class NoCertificates:
    """An operator without a public key infrastructure: every question is answered, by Failed."""

    async def ev_certificate(self, station_id: str, request: JSONObject) -> str | None:
        """Return None."""
        return None

    async def certificate_status(self, request: JSONObject) -> str | None:
        """Return None."""
        return None
