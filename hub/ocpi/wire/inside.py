"""The wire to a party in this very process: the same HTTP, without a socket (decision 0001)."""

import asyncio
from collections.abc import Mapping

import httpx

from hub.ocpi.wire.answers import Answer, NoAnswer
from hub.ocpi.wire.guard import Guard

_read = Guard(allow_private=True).read


async def send(
    app: object, method: str, url: str, headers: Mapping[str, str], body: bytes | None, *, timeout: float
) -> Answer:
    """Put a request to an ASGI application and return its answer.

    Raises:
        NoAnswer: it is not there after ``timeout`` seconds.
    """
    origin, target = _read(url)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)  # type: ignore[arg-type]  # any ASGI application
    exact = httpx.URL(scheme=origin.scheme, host=origin.host, port=origin.port, raw_path=target.encode("ascii"))
    request = httpx.Request(method, exact, headers=[("Host", origin.authority), *headers.items()], content=body)
    try:
        async with asyncio.timeout(timeout):
            response = await transport.handle_async_request(request)
            content = await response.aread()
    except TimeoutError as error:
        raise NoAnswer(f"no answer within {timeout:.3g} s") from error
    merged: dict[str, str] = {}
    for name, value in response.headers.multi_items():
        merged[name] = f"{merged[name]}, {value}" if name in merged else value
    return Answer(response.status_code, merged, content)
