"""The mailer that hands letters to an SMTP server.

Source: RFC 5321 (SMTP), RFC 3207 (STARTTLS).
"""

from dataclasses import dataclass

import aiosmtplib

from adapters.mail.folder import message_of
from hub.emsp.drivers.needs import Letter, MailUnavailable


@dataclass(frozen=True, kw_only=True)
class SmtpMailer:
    """Hands each letter over on a connection of its own.

    Attributes:
        tls: whether TLS is spoken from the first byte; otherwise STARTTLS where the server offers it.
        timeout: in seconds.
    """

    host: str
    port: int = 587
    sender: str
    username: str | None = None
    password: str | None = None
    tls: bool = False
    timeout: float = 20.0

    async def send(self, letter: Letter) -> None:
        """Hand a letter over.

        Raises:
            MailUnavailable: the server cannot be reached, or does not take it.
        """
        try:
            await aiosmtplib.send(
                message_of(letter, self.sender),
                hostname=self.host,
                port=self.port,
                username=self.username,
                password=self.password,
                use_tls=self.tls,
                timeout=self.timeout,
            )
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise MailUnavailable(f"{self.host}:{self.port} did not take the letter: {error}") from error
