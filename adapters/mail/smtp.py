"""The mailer that hands letters to an SMTP server.

Source: RFC 5321 (replies: 4yz may be tried again, 5yz not), RFC 3207 (STARTTLS).
"""

from dataclasses import dataclass

import aiosmtplib

from adapters.mail.writing import message_of
from hub.emsp.mail import Letter, MailRefused, MailTrouble, MailUnavailable, MailUncertain, NobodyThere

_GONE = frozenset({550, 551, 553})


@dataclass(frozen=True, kw_only=True)
class SmtpMailer:
    """Hands each letter over on a connection of its own.

    Attributes:
        sender: address of the provider, with a name or without.
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
            MailUnavailable: the server cannot be reached, or asks to come back; nothing was taken.
            MailRefused: it will not take this letter; NobodyThere: nobody is at the address.
            MailUncertain: it broke off in the middle.
        """
        smtp = aiosmtplib.SMTP(
            hostname=self.host,
            port=self.port,
            username=self.username,
            password=self.password,
            use_tls=self.tls,
            timeout=self.timeout,
        )
        try:
            await smtp.connect()
        except (aiosmtplib.SMTPException, OSError) as error:
            raise MailUnavailable(f"{self.host}:{self.port}: {error}") from error
        try:
            await smtp.send_message(message_of(letter, self.sender))
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise _verdict(error.recipients[0].code, error.recipients[0].message) from error
        except aiosmtplib.SMTPResponseException as error:
            raise _verdict(error.code, error.message) from error
        except ValueError as error:
            raise MailRefused(f"the letter cannot be written: {error}") from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise MailUncertain(f"{self.host}:{self.port} broke off: {error}") from error
        finally:
            smtp.close()


def _verdict(code: int, text: str) -> MailTrouble:
    said = f"{code} {text}"
    if code < 500:
        return MailUnavailable(said)
    return NobodyThere(said) if code in _GONE else MailRefused(said)
