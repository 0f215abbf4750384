"""Answers of the operator API: JSON, CSV and problem details.

Source: RFC 9110 (ETag, Content-Type), RFC 8288 (Link), RFC 4180 (CSV), RFC 9457 (problem details).
"""

import asyncio
import contextlib
import csv
import hashlib
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from typing import Any, get_args, is_typeddict
from urllib.parse import parse_qsl, urlencode

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Send

from hub.api.problems import MEDIA_TYPE, Problem
from hub.api.shapes import Page
from hub.ocpi import codec
from hub.ocpi.objects import JSON

#: A cell that begins with one of these is a formula to a spreadsheet; a quote before it makes it text.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

#: Nothing here is to be kept by a proxy, framed, or taken for something else.
HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def encoded(value: Any) -> bytes:
    """Return a value as JSON; amounts are numbers."""
    if isinstance(value, Page):
        value = {"items": value.items, "next": value.next}
    return codec.encode(value)


def entity_tag(value: Any) -> str:
    """Return the ETag of a representation."""
    return f'"{hashlib.blake2b(encoded(value), digest_size=12).hexdigest()}"'


def json_answer(value: Any, status: int, *, headers: Mapping[str, str]) -> Response:
    """Return a value as the answer."""
    return Response(encoded(value), status, headers={**HEADERS, **headers}, media_type="application/json")


def problem_answer(problem: Problem, types: str, request_id: str) -> Response:
    """Return a problem as the answer."""
    document = {**problem.document(types), "request_id": request_id}
    return Response(
        codec.encode(document), problem.status, headers={**HEADERS, **problem.headers}, media_type=MEDIA_TYPE
    )


#: How long the rest of a body that is too large is read and thrown away, in seconds. A connection closed at
#: once is reset by the system while its client still sends, and the answer is lost on the way (RFC 9112, 9.6).
_LINGER = 2.0


async def give_last(response: Response, receive: Receive, send: Send) -> None:
    """Send an answer that ends the connection once its client has stopped sending, within limits."""
    headers = [*response.raw_headers, (b"connection", b"close")]
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": bytes(response.body), "more_body": True})
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LINGER):
            while (await receive()).get("more_body"):
                pass
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def next_link(url: str, query: str, cursor: str) -> str:
    """Return the Link header that leads to the next page."""
    kept = [(name, value) for name, value in parse_qsl(query, keep_blank_values=True) if name != "cursor"]
    return f'<{url}?{urlencode([*kept, ("cursor", cursor)])}>; rel="next"'


def csv_answer(
    declared: Any,
    first: Page[Any],
    following: Callable[[str], Awaitable[Page[Any]]] | None,
    *,
    name: str,
    headers: Mapping[str, str],
) -> Response:
    """Return a list as CSV.

    Args:
        declared: what the items are.
        following: returns the page of a cursor; None: the first page is all that is asked.
        name: of the file.
    """
    columns = _columns(get_args(declared)[0])

    async def rows() -> AsyncIterator[bytes]:
        yield _lines([columns])
        page = first
        yield _lines(_row(each, columns) for each in page.items)
        while following is not None and page.next is not None:
            page = await following(page.next)
            yield _lines(_row(each, columns) for each in page.items)

    told = {**HEADERS, **headers, "Content-Disposition": f'attachment; filename="{name}.csv"'}
    return StreamingResponse(rows(), headers=told, media_type="text/csv; charset=utf-8")


def _columns(item: Any) -> list[str]:
    if is_typeddict(item):
        return list(item.__annotations__)
    return list(item.__struct_fields__) if hasattr(item, "__struct_fields__") else ["value"]


def _row(item: Any, columns: list[str]) -> list[str]:
    plain = codec.decode(codec.encode(item))
    if not isinstance(plain, Mapping):
        return [_cell(plain)]
    return [_cell(plain.get(name)) for name in columns]


def _cell(value: JSON) -> str:
    """Return a value as a cell no spreadsheet takes for a formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping | list):
        return codec.encode(value).decode()
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text


def _lines(rows: Iterable[list[str]]) -> bytes:
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerows(rows)
    return written.getvalue().encode()
