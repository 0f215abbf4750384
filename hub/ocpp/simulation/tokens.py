"""Whom a station lets charge without asking: its local list, its cache, and its policy while alone.

Source: OCPP 1.6 edition 2, 3.5 Local Authorization & Offline Behavior; OCPP 2.0.1 edition 3, part 2, C and D.
"""

import datetime

from hub.ocpp.simulation.configuration import Configuration
from hub.ocpp.words import TokenInfo


class Tokens:
    """The local list and the authorization cache of one station."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self.version = 0
        self.listed: dict[str, TokenInfo] = {}
        self.cached: dict[str, TokenInfo] = {}

    def replace(self, version: int, entries: dict[str, TokenInfo | None]) -> None:
        """Take a full list; the station forgets the former one."""
        self.version = version
        self.listed = {token.lower(): info for token, info in entries.items() if info is not None}

    def change(self, version: int, entries: dict[str, TokenInfo | None]) -> None:
        """Take the differences to the list there is; a token without a judgement is removed."""
        self.version = version
        for token, info in entries.items():
            self.listed.pop(token.lower(), None)
            if info is not None:
                self.listed[token.lower()] = info

    def remember(self, token: str, info: TokenInfo) -> None:
        """Keep what the central system said of a token; the list stands above the cache."""
        if self._configuration.on("AuthorizationCacheEnabled"):
            self.cached[token.lower()] = info

    def known(self, token: str, at: datetime.datetime) -> TokenInfo | None:
        """Return what list or cache say of a token at a moment; None: nothing."""
        info = self.listed.get(token.lower()) if self._configuration.on("LocalAuthListEnabled") else None
        if info is None and self._configuration.on("AuthorizationCacheEnabled"):
            info = self.cached.get(token.lower())
        if info is not None and info.expires_at is not None and info.expires_at <= at:
            return TokenInfo(status="Expired", group_id_token=info.group_id_token)
        return info

    def at_once(self, token: str, at: datetime.datetime) -> TokenInfo | None:
        """Return the leave that needs no question, where the station may start by its own knowledge."""
        info = self.known(token, at) if self._configuration.on("LocalPreAuthorize") else None
        return info if info is not None and info.status == "Accepted" else None

    def offline(self, token: str, at: datetime.datetime) -> TokenInfo:
        """Return what the station decides while nobody can be asked."""
        info = self.known(token, at) if self._configuration.on("LocalAuthorizeOffline") else None
        if info is not None:
            return info
        allowed = self._configuration.on("AllowOfflineTxForUnknownId")
        return TokenInfo(status="Accepted" if allowed else "Unknown")
