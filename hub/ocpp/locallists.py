"""A station's list of tokens, in as many messages as it takes.

Source: OCPP 1.6 edition 2, Local Authorization List, Send Local List; OCPP 2.0.1 part 2, D01 (Send Local Authorization
List).
"""

from collections.abc import Callable, Sequence

from hub.ocpp.commands import Answer, InvalidCommand
from hub.ocpp.sending import Sender, slices
from hub.ocpp.words import IdToken, JSONObject, TokenInfo

#: A token and what becomes of it; without info it is to be taken off the list.
Entry = tuple[IdToken, TokenInfo | None]


async def send(
    sender: Sender,
    message: Callable[[int, Sequence[Entry], str], JSONObject],
    entries: Sequence[Entry],
    *,
    version: int,
    full: bool,
    most: int | None,
) -> Answer:
    """Send a list and return the last answer; the first that is not Accepted is the last.

    Each message has a version of its own, the last ``version``: a station refuses a change whose version is not above
    its list's (VersionMismatch), and an operator who compares versions sees whether all of them arrived.

    Args:
        message: makes a SendLocalList of a version, entries, and Full or Differential.
        most: entries a message may have; None: any number.

    Raises:
        InvalidCommand: a full list takes somebody off; or there are more messages than versions.
    """
    if full and any(info is None for _, info in entries):
        raise InvalidCommand("SendLocalList: a full list says of each token what becomes of it")
    parts = list(slices(entries, most or len(entries) or 1)) or [entries]
    first = version - len(parts) + 1
    if first < 1:
        raise InvalidCommand(f"SendLocalList: {len(parts)} messages take as many versions; {version} is too low")
    for number, part in enumerate(parts, first):
        kind = "Full" if full and number == first else "Differential"
        answer = await sender.order("SendLocalList", message(number, part, kind))
        if answer.status != "Accepted":
            break
    return answer
