"""Letters to drivers, whatever room writes them; who takes them is in ``adapters/mail``."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class Letter:
    """One e-mail.

    Attributes:
        text: plain; a link is in a line of its own.
        key: the same for every attempt to send it; "": it is sent once.
    """

    to: str
    subject: str
    text: str
    key: str = ""


class MailTrouble(Exception):
    """A letter was not taken, as far as anybody knows."""


class MailUnavailable(MailTrouble):
    """It was surely not taken; it may be sent again."""


class MailUncertain(MailTrouble):
    """Nobody knows whether it was taken."""


class MailRefused(MailTrouble):
    """It will never be taken."""


class NobodyThere(MailRefused):
    """There is nobody at the address."""


class Mailer(Protocol):
    """Sends letters."""

    async def send(self, letter: Letter) -> None:
        """Hand a letter over.

        Raises:
            MailTrouble: it was not taken; which of its kinds says whether it may be sent again.
        """
        ...
