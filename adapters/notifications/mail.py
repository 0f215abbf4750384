"""Notifications by e-mail: letters like all others, by the same mailer."""

from hub.emsp.companion.needs import Message, NotTaken, Refused, TargetGone
from hub.emsp.mail import Letter, Mailer, MailRefused, MailUnavailable, NobodyThere


class MailChannel:
    """Hands notifications to a mailer."""

    def __init__(self, mailer: Mailer) -> None:
        self._mailer = mailer

    async def send(self, message: Message) -> None:
        """Hand a letter over.

        Raises:
            NotTaken: the mailer did not take it.
            Refused: it never will; TargetGone: nobody is at the address.
        """
        letter = Letter(to=message.to, subject=message.subject, text=message.text, key=message.key)
        try:
            await self._mailer.send(letter)
        except MailUnavailable as error:
            raise NotTaken(str(error)) from error
        except NobodyThere as error:
            raise TargetGone(str(error)) from error
        except MailRefused as error:
            raise Refused(str(error)) from error
