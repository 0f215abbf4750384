"""The certificate pool that is asked by HTTP: a car's request is POSTed as JSON to a URL, as its station sent it.

The body is Get15118EVCertificateRequest, the answer's body ``{"exiResponse": Base64}``; both are the car's and the
pool's, signed between them, and nobody here reads them.

Source: OCPP 2.0.1 part 2, M01, M02.
"""

import logging

import httpx

from hub.ocpi.objects import JSONObject

log = logging.getLogger(__name__)

_LONGEST = 7500  # characters of exiResponse


class ForwardedPool:
    """Asks one URL, the operator's own choice; it may lie in a private network."""

    def __init__(self, url: str, *, timeout: float = 20.0) -> None:
        self._url = url
        self._client = httpx.AsyncClient(timeout=timeout, follow_redirects=False, trust_env=False)

    async def ev_certificate(self, station_id: str, request: JSONObject) -> str | None:
        """Return exiResponse; None: there is no answer that could be handed on."""
        try:
            answer = await self._client.post(self._url, json=request, headers={"X-Station-Id": station_id})
            said = answer.raise_for_status().json()["exiResponse"]
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            log.warning("%s: no contract certificate for a car at %s: %r", self._url, station_id, error)
            return None
        return said if isinstance(said, str) and len(said) <= _LONGEST else None

    async def close(self) -> None:
        """Close its connections."""
        await self._client.aclose()
