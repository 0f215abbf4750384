"""Every setting, with its unit and default; the command line and the environment fill them in."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How one process is run.

    Attributes:
        data: folder of the embedded store and the keys.
        database: URL of the store; None: SQLite in ``data``.
        public_url: where peers reach us; no trailing slash.
        rooms: which of hub, cpms and emsp this process runs.
        allow_private_peers: whether a peer's URL may lead to a private or loopback address.
        forward_timeout: how long a party may take to answer a routed request, in seconds.
        max_body: the largest request body taken, in bytes.
        max_answer: the largest answer of a party relayed, in bytes.
        page_limit: the most objects in one page (X-Limit).
        still_alive_after: silence after which a party is asked for its versions, in seconds.
        offline_after_timeouts: unanswered requests in a row after which a party is OFFLINE.
        probe_first: seconds after going OFFLINE until the first probe.
        probe_every: the longest pause between probes, in seconds.
        rate_limit: requests per second and connection; 0: no limit.
        concurrency: requests in flight to one party at most.
        queue_limit: deliveries that may wait for one party.
        trace_days: how long hops are kept, in days.
        callback_days: how long a lent response_url is kept, in days (at least 30).
    """

    data: Path = Path("data")
    database: str | None = None
    host: str = "127.0.0.1"
    port: int = 8000
    public_url: str = ""
    rooms: frozenset[str] = frozenset({"hub", "cpms", "emsp"})
    hub_id: str = "NL-HUB"
    cpo_id: str = "NL-CPO"
    emsp_id: str = "NL-MSP"
    hub_url: str | None = None
    hub_token: str | None = None
    allow_private_peers: bool = False
    forward_timeout: float = 30.0
    max_body: int = 8 * 1024 * 1024
    max_answer: int = 32 * 1024 * 1024
    page_limit: int = 100
    still_alive_after: float = 300.0
    offline_after_timeouts: int = 3
    probe_first: float = 5.0
    probe_every: float = 300.0
    rate_limit: float = 0.0
    concurrency: int = 32
    queue_limit: int = 10_000
    trace_days: int = 7
    callback_days: int = 60
