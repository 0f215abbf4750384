"""What a hub's store holds, looked at from outside: what a refused request must not change."""

import sqlite3
from pathlib import Path

_LOOKS = (
    "SELECT count(*), max(seq), sum(last_updated % 1000003), sum(length(body)) FROM hub_object",
    "SELECT kind, peer, total, deleted FROM hub_count ORDER BY kind, peer",
    "SELECT count(*) FROM hub_lent",
    "SELECT id, name, version, versions_url FROM credentials_connection ORDER BY id",
    "SELECT count(*) FROM credentials_role",
)


def kept(data: Path) -> object:
    """Return what stands of objects, lent URLs and connections in a data folder's store."""
    store = sqlite3.connect(f"file:{data / 'emall.db'}?mode=ro", uri=True)
    try:
        return [store.execute(look).fetchall() for look in _LOOKS]
    finally:
        store.close()
