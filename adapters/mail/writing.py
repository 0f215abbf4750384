"""A letter as an e-mail.

Source: RFC 5322 (Message-ID), RFC 3834 (Auto-Submitted).
"""

import hashlib
import uuid
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

from hub.emsp.mail import Letter
from hub.ocpi.times import utc_now


def message_of(letter: Letter, sender: str) -> EmailMessage:
    """Return a letter as an e-mail; line feeds in a header are refused there."""
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = sender, letter.to, letter.subject
    made["Date"] = format_datetime(utc_now())
    made["Message-ID"] = f"<{_name(letter)}@{parseaddr(sender)[1].rpartition('@')[2]}>"
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(letter.text)
    return made


def _name(letter: Letter) -> str:
    # The same for every attempt, so that a mailbox that got one twice can tell.
    return hashlib.sha256(f"{letter.key}\n{letter.to}".encode()).hexdigest()[:32] if letter.key else uuid.uuid4().hex
