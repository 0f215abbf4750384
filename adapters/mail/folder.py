"""The mailer that sends nothing: each letter is a file in a folder, for a demo and for whoever tries things out."""

import asyncio
import uuid
from pathlib import Path

from adapters.mail.writing import message_of
from hub.emsp.mail import Letter, MailUnavailable


class FolderMailer:
    """Writes ``.eml`` files; their names sort as the letters were sent."""

    def __init__(self, folder: Path, sender: str = "emall@localhost") -> None:
        self._folder = folder
        self._sender = sender
        self._sent = 0

    async def send(self, letter: Letter) -> None:
        """Write a letter.

        Raises:
            MailUnavailable: the folder cannot be written.
        """
        try:
            await asyncio.to_thread(self._write, letter)
        except (OSError, ValueError) as error:
            raise MailUnavailable(f"{self._folder} cannot be written: {error}") from error

    def _write(self, letter: Letter) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._sent += 1
        name = f"{self._sent:06d}-{uuid.uuid4().hex[:8]}.eml"
        # No server carries it, so its lines may be as long as they are: a link is one to be clicked and copied.
        (self._folder / name).write_bytes(bytes(message_of(letter, self._sender, "8bit")))
