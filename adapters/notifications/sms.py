"""Notifications by short message, through any gateway that sends text to a number."""

from hub.emsp.charging.needs import SmsGateway
from hub.emsp.companion.needs import Message, NotTaken, Refused

_LONGEST = 459  # characters: three parts of a concatenated message (3GPP TS 23.040)


class SmsChannel:
    """Hands notifications to a gateway, cut to what a phone shows as one message."""

    def __init__(self, gateway: SmsGateway) -> None:
        self._gateway = gateway

    async def send(self, message: Message) -> None:
        """Hand a message over.

        Raises:
            NotTaken: the gateway did not take it.
        """
        text = message.text if len(message.text) <= _LONGEST else f"{message.text[: _LONGEST - 1]}…"
        try:
            await self._gateway.send(message.to, text)
        except (NotTaken, Refused):
            raise
        except Exception as error:
            raise NotTaken(f"the gateway: {error}") from error
