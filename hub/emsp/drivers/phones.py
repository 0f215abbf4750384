"""Phone numbers, each written one way.

Source: ITU-T E.164 (at most 15 digits with the country code).
"""

import re

_SEPARATORS = str.maketrans("", "", " -./()\u00a0")
_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")


def normalized(number: str) -> str:
    """Return a number as E.164 writes it.

    Raises:
        ValueError: it is none with its country code.
    """
    text = number.strip().translate(_SEPARATORS)
    text = "+" + text[2:] if text.startswith("00") else text
    if not _NUMBER.fullmatch(text):
        raise ValueError("must be a phone number with its country code, such as +39 02 1234567")
    return text
