"""Firmware and logs: what a station does with files, told step by step.

Nothing is fetched or uploaded; the location decides how it ends: one with ``fail`` in it cannot be used,
one with ``invalid`` has a bad signature.

Source: OCPP 1.6 edition 2, 4.4, 4.5; OCPP 1.6 security whitepaper, L01, N01; OCPP 2.0.1 edition 3, part 2, L, N.
"""

import asyncio
import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hub.ocpp.simulation.station import Station

_STEP = 1.0  # seconds between two steps


class Maintenance:
    """The files of one station.

    Attributes:
        firmware_status: as last told; so is log_status.
    """

    def __init__(self, station: "Station") -> None:
        self._station = station
        self.firmware_status = "Idle"
        self.firmware_request: int | None = None
        self.log_status = "Idle"
        self.log_request: int | None = None
        self._updating: asyncio.Task[None] | None = None
        self._uploading: asyncio.Task[None] | None = None

    def update(
        self, location: str, retrieve_at: datetime.datetime, request_id: int | None = None, *, signed: bool = False
    ) -> bool:
        """Take an update; return whether it takes the place of one under way."""
        replaces = self._updating is not None and not self._updating.done()
        if replaces and self._updating is not None:
            self._updating.cancel()
        self.firmware_request = request_id

        async def begin() -> None:
            self._updating = self._station.keep(self._update(location, retrieve_at, signed))

        self._station.follow(begin())
        return replaces

    async def _update(self, location: str, retrieve_at: datetime.datetime, signed: bool) -> None:
        wait = (retrieve_at - self._station.now()).total_seconds()
        if wait > 0:
            if signed:
                await self._firmware("DownloadScheduled")
            await self._station.clock.sleep(wait)
        await self._firmware("Downloading")
        if "fail" in location:
            return await self._firmware("DownloadFailed")
        await self._firmware("Downloaded")
        if signed:
            if "invalid" in location:
                await self._firmware("InvalidSignature")
                return await self._station.say(lambda: self._station.voice.security_event("InvalidFirmwareSignature"))
            await self._firmware("SignatureVerified")
        await self._station.until_idle()
        await self._firmware("Installing")
        await self._station.restart("FirmwareUpdate")
        await self._station.until(lambda: self._station.registered, timeout=600)
        await self._firmware("Installed")

    async def _firmware(self, status: str) -> None:
        self.firmware_status = "Idle" if status == "Installed" else status
        await self._station.say(lambda: self._station.voice.firmware(status, self.firmware_request))
        self._station.noted()
        await self._station.clock.sleep(_STEP)

    def upload(self, location: str, request_id: int | None = None) -> bool:
        """Take an upload; return whether it takes the place of one under way."""
        replaces = self._uploading is not None and not self._uploading.done()
        if replaces and self._uploading is not None:
            self._uploading.cancel()
        former, self.log_request = self.log_request, request_id

        async def begin() -> None:
            if replaces and former is not None:
                await self._station.say(lambda: self._station.voice.log("AcceptedCanceled", former))
            self._uploading = self._station.keep(self._upload(location))

        self._station.follow(begin())
        return replaces

    async def _upload(self, location: str) -> None:
        await self._log("Uploading")
        failed = "UploadFailed" if self.log_request is None else "UploadFailure"
        await self._log(failed if "fail" in location else "Uploaded")
        self.log_status = "Idle"

    async def _log(self, status: str) -> None:
        self.log_status = status
        await self._station.say(lambda: self._station.voice.log(status, self.log_request))
        self._station.noted()
        await self._station.clock.sleep(_STEP)
