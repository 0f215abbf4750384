"""A letter as an e-mail.

Source: RFC 5322 (Message-ID), RFC 3834 (Auto-Submitted).
"""

import hashlib
import uuid
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import Literal

from hub.emsp.mail import Letter
from hub.ocpi.times import utc_now

Encoding = Literal["8bit"]


def message_of(letter: Letter, sender: str, encoding: Encoding | None = None) -> EmailMessage:
    """Return a letter as an e-mail; line feeds in a header are refused there.

    Args:
        encoding: of its text; without it what every server on the way can carry.
    """
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = sender, letter.to, letter.subject
    made["Date"] = format_datetime(utc_now())
    made["Message-ID"] = f"<{_name(letter)}@{parseaddr(sender)[1].rpartition('@')[2]}>"
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(letter.text, cte=encoding)
    return made


def _name(letter: Letter) -> str:
    # The same for every attempt, so that a mailbox that got one twice can tell.
    return hashlib.sha256(f"{letter.key}\n{letter.to}".encode()).hexdigest()[:32] if letter.key else uuid.uuid4().hex
