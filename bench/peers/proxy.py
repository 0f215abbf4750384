"""The plain proxy: what one writes first with Starlette and httpx."""

# ruff: noqa: D103  what it shows is how one writes this without us

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

UPSTREAM = os.environ["UPSTREAM"]
HOP_BY_HOP = {"host", "connection", "content-length", "transfer-encoding"}


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    limits = httpx.Limits(max_connections=128, max_keepalive_connections=128)
    async with httpx.AsyncClient(base_url=UPSTREAM, limits=limits, trust_env=False) as app.state.client:
        yield


async def forward(request: Request) -> Response:
    headers = {name: value for name, value in request.headers.items() if name not in HOP_BY_HOP}
    answer = await request.app.state.client.request(
        request.method, request.url.path, params=request.query_params, headers=headers, content=await request.body()
    )
    kept = {name: value for name, value in answer.headers.items() if name not in HOP_BY_HOP}
    return Response(answer.content, answer.status_code, kept)


app = Starlette(routes=[Route("/{path:path}", forward, methods=["GET", "PUT", "POST", "PATCH"])], lifespan=lifespan)
