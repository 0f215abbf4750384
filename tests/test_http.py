"""The HTTP protocol of the server: what a request leaves behind."""

import asyncio
import gc
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from hub.http import Cycle, Protocol


async def application(scope: Any, receive: Any, send: Any) -> None:
    direct: Cycle = scope["extensions"]["emall.direct"]
    body = direct.taken()
    assert body == b"{}" and direct.given(200, [(b"content-length", b"2")], body)


async def test_a_request_leaves_nothing_to_the_garbage_collector() -> None:
    config = uvicorn.Config(application, http=Protocol, interface="asgi3", ws="none", lifespan="off", log_config=None)
    loop, state = asyncio.get_running_loop(), ServerState()
    server = await loop.create_server(lambda: Protocol(config, state, {}, loop), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    request = b"PUT / HTTP/1.1\r\nhost: h\r\ncontent-length: 2\r\n\r\n{}"

    gc.collect()
    gc.disable()
    try:
        for _ in range(20):
            writer.write(request)
            answer = await reader.readuntil(b"\r\n\r\n") + await reader.readexactly(2)
        await asyncio.sleep(0)
        left = [each for each in gc.get_objects() if isinstance(each, Cycle)]
    finally:
        gc.enable()
    writer.close()
    server.close()

    assert answer == b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
    assert len(left) == 1  # the connection knows its last request
