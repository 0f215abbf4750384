"""Notifications by e-mail, over SMTP.

Source: RFC 5321 (replies: 4yz may be tried again, 5yz not), RFC 5322 (Message-ID), RFC 3834 (Auto-Submitted).
"""

import hashlib
from email.message import EmailMessage
from email.utils import format_datetime

import aiosmtplib

from hub.emsp.companion.needs import Message, NotTaken, Refused, TargetGone
from hub.ocpi.times import utc_now

_GONE = frozenset({550, 551, 553})


class MailChannel:
    """Hands letters to one SMTP server.

    Args:
        sender: address of the provider.
        start_tls: None: where the server offers it.
        timeout: in seconds.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        sender: str,
        username: str | None = None,
        password: str | None = None,
        start_tls: bool | None = None,
        timeout: float = 20.0,
    ) -> None:
        self._host = host
        self._port = port
        self._sender = sender
        self._username = username
        self._password = password
        self._start_tls = start_tls
        self._timeout = timeout

    async def send(self, message: Message) -> None:
        """Hand a letter over.

        Raises:
            NotTaken: the server cannot be reached, or asks to come back.
            Refused: it will not take this letter; TargetGone: nobody is at the address.
        """
        smtp = aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            username=self._username,
            password=self._password,
            start_tls=self._start_tls,
            timeout=self._timeout,
        )
        try:
            await smtp.connect()
        except (aiosmtplib.SMTPException, OSError) as error:
            raise NotTaken(f"{self._host}:{self._port}: {error}") from error
        try:
            await smtp.send_message(self._letter(message))
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise _verdict(error.recipients[0].code, error.recipients[0].message) from error
        except aiosmtplib.SMTPResponseException as error:
            raise _verdict(error.code, error.message) from error
        finally:
            smtp.close()

    def _letter(self, message: Message) -> EmailMessage:
        letter = EmailMessage()
        letter["From"], letter["To"], letter["Subject"] = self._sender, message.to, message.subject
        letter["Date"] = format_datetime(utc_now())
        # The same for every attempt, so that a mailbox that got one twice can tell.
        name = hashlib.sha256(f"{message.key}\n{message.to}".encode()).hexdigest()[:32]
        letter["Message-ID"] = f"<{name}@{self._sender.rpartition('@')[2]}>"
        letter["Auto-Submitted"] = "auto-generated"
        letter.set_content(message.text)
        return letter


def _verdict(code: int, text: str) -> Exception:
    said = f"{code} {text}"
    if code < 500:
        return NotTaken(said)
    return TargetGone(said) if code in _GONE else Refused(said)
