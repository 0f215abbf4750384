"""Notifications by web push: encrypted for one browser, and sent to the push service it named.

The endpoint is a URL a stranger gave, so it is called by the house's own guarded way; that is why no push library is
used, which would call it by its own (decision 0034).

Source: RFC 8030 (TTL, Topic, Urgency, answers), RFC 8291, RFC 8292.
"""

import datetime
import hashlib
import json
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec

from adapters.notifications.pushcrypto import LONGEST, base64url, encrypt, from_base64url, point, vapid
from hub.emsp.companion.needs import Clock, Fetcher, Message, NotTaken, Refused, TargetGone

_VALID = datetime.timedelta(hours=12)
_GONE = frozenset({404, 410})


class WebPushChannel:
    """Sends to push services.

    Args:
        fetcher: the way there.
        key: the provider's own (VAPID); browsers subscribe to its public half.
        subject: mailto: or https: of the provider, for the push service's people.
    """

    def __init__(
        self, fetcher: Fetcher, key: ec.EllipticCurvePrivateKey, *, subject: str, clock: Clock, timeout: float = 15.0
    ) -> None:
        self._fetcher = fetcher
        self._key = key
        self._subject = subject
        self._clock = clock
        self._timeout = timeout

    @property
    def public_key(self) -> str:
        """The applicationServerKey a browser subscribes with."""
        return base64url(point(self._key.public_key()))

    async def send(self, message: Message) -> None:
        """Hand a message to the push service.

        Raises:
            NotTaken: it cannot be reached, or is busy.
            Refused: it does not take this one; TargetGone: the subscription is over.
        """
        subscription = json.loads(message.to)
        try:
            body = encrypt(
                _text(message),
                receiver=from_base64url(subscription["keys"]["p256dh"]),
                auth=from_base64url(subscription["keys"]["auth"]),
            )
        except ValueError as error:
            raise TargetGone(f"the subscription's key: {error}") from error
        url = subscription["endpoint"]
        try:
            answer = await self._fetcher.send("POST", url, self._headers(url, message), body, timeout=self._timeout)
        except Exception as error:
            # It may have come through all the same: a repeat has the same Topic (RFC 8030, 5.4) and the same id,
            # by which a service worker shows it in the place of the first.
            raise NotTaken(f"the push service: {error}") from error
        _judge(answer.status)

    def _headers(self, url: str, message: Message) -> dict[str, str]:
        now, origin = self._clock.now(), urlsplit(url)
        left = max(0, int((message.until - now).total_seconds()))
        return {
            "TTL": str(left),
            "Topic": base64url(hashlib.sha256(message.key.encode()).digest())[:32],
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "Authorization": vapid(
                self._key,
                audience=f"{origin.scheme}://{origin.netloc}",
                subject=self._subject,
                expires=int((now + _VALID).timestamp()),
            ),
        }


def _text(message: Message) -> bytes:
    """Return what the app's service worker reads; a text too long for one push is cut."""
    document = {"title": message.subject, "body": message.text, "event": message.data.get("event")}
    document |= {"id": message.data.get("id")}
    text = json.dumps(document, ensure_ascii=False).encode()
    if (over := len(text) - LONGEST) <= 0:
        return text
    kept = message.text.encode()[: -(over + len("…".encode()))].decode("utf-8", "ignore")
    return json.dumps(document | {"body": f"{kept}…"}, ensure_ascii=False).encode()


def _judge(status: int) -> None:
    if 200 <= status < 300:
        return
    if status in _GONE:
        raise TargetGone(f"the push service says {status}: the subscription is over")
    if status == 429 or status >= 500:
        raise NotTaken(f"the push service says {status}")
    raise Refused(f"the push service says {status}")
