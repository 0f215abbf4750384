"""Strings judged: their alphabets, and the patterns of some (DateTime, a latitude).

msgspec judges lengths; what characters there are is looked at here. How much there is to look at is
told from the whole text once (``Alphabet``): most texts are ASCII without escapes, and in those
only strings with a pattern of their own remain. (A pattern given to msgspec costs three times as
much, and beside an array, as in an optional field, it breaks the process: seen in 0.19 to 0.22,
TypeNode_get_traverse_ranges counts no pattern among the objects of a type, so that garbage
collection follows a wrong pointer.)

Source: OCPI 2.3.0, types.asciidoc (CiString, string).
"""

import enum
import functools
import re
from collections.abc import Callable
from typing import NamedTuple

from hub.ocpi.objects import Text
from hub.ocpi.schema import CI_PATTERN, STRING_PATTERN


class Alphabet(enum.IntEnum):
    """What characters the strings of a text can have."""

    PRINTABLE_ASCII = 0
    PRINTABLE = 1
    ANY = 2


class Check(NamedTuple):
    """What is looked at in a string: whether it is one of the known; if not, whether it is right."""

    known: set[str]
    is_right: Callable[[str], object]


_HARMFUL_ESCAPE = re.compile(rb"\\(?:[bfnrt]|u00[0189][0-9a-fA-F]|u007[fF])").search
_C1 = re.compile(rb"\xc2[\x80-\x9f]").search


def alphabet_of(text: bytes) -> Alphabet:
    """Return what characters the strings of a JSON text can have; only DEL and C1 are not escaped."""
    # ``in`` of bytes makes an exception and drops it, each time.
    if text.find(b"\x7f") >= 0:
        return Alphabet.ANY
    if text.find(b"\\") >= 0:
        if _HARMFUL_ESCAPE(text.replace(rb"\\", b"")):
            return Alphabet.ANY
        if rb"\u" in text:
            return Alphabet.PRINTABLE
    if text.isascii():
        return Alphabet.PRINTABLE_ASCII
    return Alphabet.ANY if b"\xc2" in text and _C1(text) else Alphabet.PRINTABLE


@functools.cache
def check_of(text: Text, alphabet: Alphabet) -> Check | None:
    """Return what is looked at in a string, given what characters it can have; None: nothing."""
    look: list[Callable[[str], object]] = [_matcher(text.pattern)] if text.pattern else []
    if alphabet is Alphabet.ANY:
        look.append(_matcher(CI_PATTERN if text.ci else STRING_PATTERN))
    elif alphabet is Alphabet.PRINTABLE and text.ci:
        look.append(str.isascii)
    if not look:
        return None
    is_right = look[0] if len(look) == 1 else lambda value: all(each(value) for each in look)
    return _remembering(is_right) if text.pattern else Check(set(), is_right)


def _matcher(pattern: str) -> Callable[[str], object]:
    r"""Return a JSON Schema pattern as Python says it: ``$`` is the very end, ``\d`` is ASCII."""
    return re.compile("(?a)" + re.sub(r"\$$", r"\\Z", pattern)).search


_MEMORY = 4_096  # strings a check remembers


def _remembering(is_right: Callable[[str], object]) -> Check:
    """Return a check that remembers: the same moments, times and places come again and again."""
    known: set[str] = set()

    def remember(value: str) -> bool:
        if not is_right(value):
            return False
        if len(known) >= _MEMORY:
            known.clear()
        known.add(value)
        return True

    return Check(known, remember)
