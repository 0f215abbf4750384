"""Any ASGI application on a loopback port, in the event loop of the test."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import uvicorn


class LoopServer(uvicorn.Server):
    """uvicorn without signals, lifespan and log.

    Args:
        port: where to listen; 0: on any free port.
    """

    def __init__(self, app: Any, port: int = 0) -> None:
        config = uvicorn.Config(
            app, interface="asgi3", lifespan="off", ws="none", proxy_headers=False, server_header=False,
            log_config=None, log_level=60, access_log=False, timeout_graceful_shutdown=0,
        )  # fmt: skip
        super().__init__(config)
        # asyncio sets TCP_NODELAY only where the protocol is named; without, each answer waits 40 ms for an ACK.
        self._listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listening.bind(("127.0.0.1", port))
        self._ready = asyncio.Event()
        self._ending = asyncio.Event()
        self.port: int = self._listening.getsockname()[1]

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the test's."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready.set()

    async def start(self) -> int:
        """Listen, and return the port."""
        self._task = asyncio.create_task(self.serve(sockets=[self._listening]))
        await self._ready.wait()
        return self.port

    async def main_loop(self) -> None:
        """Wait for the end; uvicorn would look for it ten times a second."""
        await self.on_tick(0)
        await self._ending.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close everything at once; uvicorn would give connections a tenth of a second."""
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
            connection.transport.close()
        for task in list(self.server_state.tasks):
            task.cancel()
        await asyncio.gather(*self.server_state.tasks, return_exceptions=True)

    async def stop(self) -> None:
        """Close the port and every connection."""
        self.should_exit = self.force_exit = True
        self._ending.set()
        await self._task
        self._listening.close()
