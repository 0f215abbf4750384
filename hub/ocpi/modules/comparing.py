"""Rules of several chapters that compare: which moment is first, which identifiers differ.

Source: OCPI 2.3.0, types.asciidoc, DateTime, CiString; mod_locations.asciidoc, Hours class, RegularHours class.
"""

from hub.ocpi.objects import JSONObject


def moment(text: str) -> str:
    """Return a DateTime in the one form in which text order is time order."""
    bare = text.removesuffix("Z")
    return bare.rstrip("0").removesuffix(".") if "." in bare else bare


def out_of_order(value: JSONObject, path: str, begin: str, end: str) -> list[str]:
    """Return a fault if a period of time ends before it begins."""
    begins, ends = value.get(begin), value.get(end)
    if begins and ends and moment(ends) < moment(begins):
        return [f"{path}.{end}: is before {begin}"]
    return []


class Ordered:
    """A rule: a period cannot end before it begins."""

    def __init__(self, begin: str, end: str) -> None:
        self.begin = begin
        self.end = end

    def __call__(self, value: JSONObject, path: str, partial: bool) -> list[str]:
        """Return the fault, if it does."""
        return out_of_order(value, path, self.begin, self.end)


class Distinct:
    """A rule: the elements of a field have different identifiers, compared without case."""

    def __init__(self, field: str, identifier: str) -> None:
        self.field = field
        self.identifier = identifier

    def __call__(self, value: JSONObject, path: str, partial: bool) -> list[str]:
        """Return a fault for each element that has the identifier of an earlier one."""
        elements: list[JSONObject] | None = value.get(self.field)
        if not elements or len(elements) == 1:
            return []
        seen: set[str] = set()
        found: list[str] = []
        for index, element in enumerate(elements):
            said: str = element[self.identifier]
            identifier = said.upper()
            if identifier in seen:
                found.append(f"{path}.{self.field}[{index}].{self.identifier}: {said} is there twice")
            seen.add(identifier)
        return found


def opens_before_it_closes(value: JSONObject, path: str, partial: bool) -> list[str]:
    """Return a fault for each day's hours that do not end later on that day; 00:00 is its end (docs/errata.md, E-06).

    A rule of Hours and not of RegularHours: a Location has one for each day of the week, and a call for each takes a
    tenth of its judging.
    """
    hours: list[JSONObject] = value.get("regular_hours") or []
    found: list[str] = []
    for at, each in enumerate(hours):
        begins: str = each.get("period_begin", "")
        ends: str = each.get("period_end", "")
        if not (begins < ends or ends in ("", "00:00")):
            found.append(f"{path}.regular_hours[{at}].period_end: must be later than period_begin")
    return found
