"""HTTP byte by byte, for what no HTTP client would send, and what every OCPI answer must look like."""

import asyncio
import base64
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.parties import PartyPlatform, Reply

#: The codes of status_codes.asciidoc.
STATUS_CODES = frozenset({1000, 2000, 2001, 2002, 2003, 2004, 3000, 3001, 3002, 3003, 4000, 4001, 4002, 4003})

DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z?")

ROUTING = frozenset(f"ocpi-{way}-{what}" for way in ("to", "from") for what in ("country-code", "party-id"))


def check_envelope(reply: Reply) -> None:
    """Assert that an answer has the response format, and a status code of the tables."""
    assert reply.headers["content-type"].split(";")[0] == "application/json", reply
    said = json.loads(reply.body.decode("utf-8"))
    assert isinstance(said, dict)
    assert type(said["status_code"]) is int
    assert said["status_code"] in STATUS_CODES
    assert len(said["timestamp"]) <= 25
    assert DATE_TIME.fullmatch(said["timestamp"])
    assert isinstance(said.get("status_message", ""), str)


def encoded(token: str) -> str:
    """Return a credentials token as it stands in the Authorization header."""
    return base64.b64encode(token.encode()).decode()


def routing(sender: PartyPlatform, to: str, *, of: str | None = None) -> dict[str, str]:
    """Return the four routing headers of a request."""
    return {
        f"OCPI-{way}-{what}": value
        for way, party in (("from", of or sender.party), ("to", to))
        for what, value in zip(("country-code", "party-id"), party.split("-"), strict=True)
    }


@dataclass
class Line:
    """A connection to the hub on which a test writes what it likes."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def to(cls, url: str) -> "Line":
        parts = urlsplit(url)
        return cls(*await asyncio.open_connection(parts.hostname, parts.port))

    async def say(self, content: bytes) -> None:
        self.writer.write(content)
        await self.writer.drain()

    async def hear(self, *, timeout: float = 5.0) -> Reply:
        """Return the next answer.

        Raises:
            asyncio.IncompleteReadError: the hub closed the connection without one.
        """
        async with asyncio.timeout(timeout):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            pairs = (line.partition(": ") for line in head[1:] if line)
            headers = httpx.Headers([(n.encode(), v.encode("latin-1")) for n, _, v in pairs], encoding="latin-1")
            body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        return Reply(int(head[0].split()[1]), headers, body)

    async def close(self) -> None:
        self.writer.close()


async def told(url: str, content: bytes) -> Reply:
    """Return the answer to exact bytes sent to the server of a URL."""
    line = await Line.to(url)
    try:
        await line.say(content)
        return await line.hear()
    finally:
        await line.close()


def request(
    platform: PartyPlatform,
    method: str,
    target: str,
    *,
    headers: Mapping[str, str] | list[tuple[str, str]] = (),  # type: ignore[assignment]
    body: bytes = b"",
) -> bytes:
    """Return the bytes of a request with a platform's token, its target as it is."""
    given = list(headers.items()) if isinstance(headers, Mapping) else list(headers)
    lines = [
        f"{method} {target} HTTP/1.1",
        "Host: hub",
        f"Authorization: Token {encoded(platform.hub_token)}",
        f"X-Request-ID: {secrets.token_hex(8)}",
        f"X-Correlation-ID: {secrets.token_hex(8)}",
        *(f"{name}: {value}" for name, value in given),
    ]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def path(url: str) -> str:
    """Return the path of a URL."""
    return urlsplit(url).path


async def http(method: str, url: str, **rest: Any) -> Reply:
    """Make one HTTP request with exactly the headers given."""
    async with httpx.AsyncClient(trust_env=False, verify=False, timeout=10) as client:
        response = await client.request(method, url, **rest)
    return Reply(response.status_code, response.headers, response.content)
