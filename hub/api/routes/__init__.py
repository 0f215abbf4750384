"""The routes every API of ours has: what it says of itself, its staff, keys and audit log, logging in."""
