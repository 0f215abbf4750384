"""nginx, in two parts: the reverse proxy the hub is compared with, and a receiver that costs next to nothing."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from bench.environments import need
from bench.processes import Server

_MODULES = ("locations", "tariffs", "sessions", "cdrs", "tokens", "hubclientinfo")


def receiver(folder: Path, ports: Sequence[int]) -> Server:
    """Start OCPI platforms, one per port, that answer every request with a prepared success."""
    base = "http://127.0.0.1:$server_port/2.2.1"
    endpoints = [
        {"identifier": module, "role": role, "url": f"{base}/{role.lower()}/{module}"}
        for module in _MODULES
        for role in ("SENDER", "RECEIVER")
    ]
    endpoints.append({"identifier": "credentials", "role": "SENDER", "url": f"{base}/credentials"})
    listen = " ".join(f"listen 127.0.0.1:{port};" for port in ports)
    return _start(
        "receiver",
        folder,
        f"""server {{ {listen}
          location = /versions {{ return 200 '{_envelope([{"version": "2.2.1", "url": base}])}'; }}
          location = /2.2.1 {{ return 200 '{_envelope({"version": "2.2.1", "endpoints": endpoints})}'; }}
          location /2.2.1/sender/ {{ add_header X-Total-Count 0; return 200 '{_envelope([])}'; }}
          location / {{ return 200 '{_envelope(None)}'; }}
        }}""",
        f"http://127.0.0.1:{ports[0]}/",
    )


def proxy(folder: Path, port: int, upstream: int) -> Server:
    """Start a reverse proxy with one worker and kept connections, as its manual advises; no access log."""
    return _start(
        "nginx",
        folder,
        f"""upstream other {{ server 127.0.0.1:{upstream}; keepalive 128; }}
        server {{ listen 127.0.0.1:{port};
          location / {{ proxy_pass http://other; proxy_http_version 1.1; proxy_set_header Connection ""; }}
        }}""",
        f"http://127.0.0.1:{port}/",
    )


def _envelope(data: object) -> str:
    return json.dumps({"data": data, "status_code": 1000, "timestamp": "2026-01-15T09:30:00Z"}, separators=(",", ":"))


def _start(name: str, folder: Path, servers: str, url: str) -> Server:
    home = folder / f"nginx-{name}"
    home.mkdir()
    temporary = " ".join(
        f"{each}_temp_path {home}/{each};" for each in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;" if os.geteuid() == 0 else ""  # the folder is ours alone
    configuration = home / "nginx.conf"
    configuration.write_text(
        f"""daemon off; worker_processes 1; {user} pid {home}/pid; error_log {home}/error.log;
        events {{ worker_connections 2048; }}
        http {{ access_log off; keepalive_requests 1000000000; client_body_buffer_size 64k; tcp_nodelay on;
          default_type application/json; {temporary}
          {servers}
        }}"""
    )
    server = Server(
        name, [need("nginx"), "-p", home, "-e", home / "error.log", "-c", configuration], folder / f"{name}.log"
    )
    server.wait(url)
    return server
