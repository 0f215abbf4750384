"""What drivers read: texts by event in catalogue files, one per language, filled from a notification's data.

A text a language does not have, or whose fields the data lacks, is the English one its cause wrote: a driver is told
in the wrong language rather than not at all. So is one whose ``why`` has no words in that language; it is found by the
code beside it.
"""

import json
import string
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from hub.ocpi.objects import JSON

_FOLDER = Path(__file__).parent / "wording"
FALLBACK = "en"


@dataclass(frozen=True)
class Words:
    """A subject of one line, and a text."""

    subject: str
    text: str


@cache
def languages() -> frozenset[str]:
    """Return the languages there are catalogues of."""
    return frozenset(each.stem for each in _FOLDER.glob("*.json"))


@cache
def catalogue(language: str) -> Mapping[str, Mapping[str, str]]:
    """Return the texts of a language, by event or kind; those of English where there is no such language."""
    name = language if language in languages() else FALLBACK
    read: dict[str, dict[str, str]] = json.loads((_FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return read


@cache
def reasons(language: str) -> Mapping[str, str]:
    """Return why something happened, by code, in a language; none for English, in which the cause says it itself."""
    file = _FOLDER / "reasons" / f"{language}.json"
    read: dict[str, str] = json.loads(file.read_text(encoding="utf-8")) if language in languages() - {FALLBACK} else {}
    return read


def fields_of(template: str) -> set[str]:
    """Return the names of the data a text is filled with."""
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def words(*, language: str, event: str, kind: str, text: str, data: Mapping[str, JSON]) -> Words:
    """Return what a driver reads."""
    entries = catalogue(language)
    found, data = entries.get(event), _with_reason(language, data)
    if found is None or not fields_of(found["subject"] + found["text"]) <= data.keys():
        return Words(entries[kind]["subject"], text)
    shown = {name: _shown(value) for name, value in data.items()}
    return Words(_line(found["subject"].format_map(shown)), found["text"].format_map(shown))


def _with_reason(language: str, data: Mapping[str, JSON]) -> Mapping[str, JSON]:
    """Return the data with its ``why`` in a language; without it, where that has no words for it."""
    if language not in languages() - {FALLBACK} or not data.get("why"):
        return data
    rest = {name: value for name, value in data.items() if name != "why"}
    said = reasons(language).get(str(data.get("reason") or data.get("outcome")))
    return rest | {"why": said.format_map(rest)} if said and fields_of(said) <= rest.keys() else rest


def written(language: str, name: str, data: Mapping[str, JSON]) -> Words:
    """Return a text that is no notification, such as a letter."""
    found = catalogue(language).get(name) or catalogue(FALLBACK)[name]
    shown = {each: _shown(value) for each, value in data.items()}
    return Words(_line(found["subject"].format_map(shown)), found["text"].format_map(shown))


def _shown(value: JSON) -> str:
    return "-" if value is None else str(value)


def _line(text: str) -> str:
    """Return a text without line breaks: a subject is a header of a mail."""
    return " ".join(text.split())
