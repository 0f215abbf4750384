"""The operation centre that is told by HTTP: each alarm is POSTed as JSON to a URL.

The body is an alarm as the operator API shows it; ``Idempotency-Key`` is its id, for the same one may
come twice. Any answer of 2xx says that it is taken.

Source: draft-ietf-httpapi-idempotency-key-header.
"""

import httpx

from hub.cpms.alarms import Alarm, NotTaken


class WebhookCentre:
    """POSTs to one URL.

    Args:
        url: the operator's own choice; it may lie in a private network.
        token: sent as ``Authorization: Bearer``, where given.
        timeout: in seconds.
    """

    def __init__(self, url: str, *, token: str | None = None, timeout: float = 10.0) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._url = url
        self._client = httpx.AsyncClient(timeout=timeout, headers=headers, follow_redirects=False, trust_env=False)

    async def warn(self, alarm: Alarm) -> None:
        """Tell of an alarm.

        Raises:
            NotTaken: there was no answer, or one that does not say that it is taken.
        """
        try:
            answer = await self._client.post(
                self._url, json=alarm.as_json(), headers={"Idempotency-Key": f"alarm-{alarm.id}"}
            )
        except httpx.HTTPError as error:
            raise NotTaken(f"{self._url}: {error!r}") from error
        if not answer.is_success:
            raise NotTaken(f"{self._url}: HTTP {answer.status_code}")

    async def close(self) -> None:
        """Close its connections."""
        await self._client.aclose()
