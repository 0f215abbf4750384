"""Meter values that stations tell phase by phase, as the whole of an outlet; and which phases a car loads.

Every message with meter values passes here, so it is one pass over them.

Source: OCPP 1.6, 7.31 Measurand, 7.34 Phase; OCPP 2.0.1, part 2, MeasurandEnumType, PhaseEnumType.
"""

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from hub.ocpp.words import Sample

#: What each phase adds to; voltages and factors are no parts of a whole.
_ADDED = frozenset({
    "Energy.Active.Import.Register", "Energy.Active.Export.Register", "Energy.Active.Import.Interval",
    "Energy.Active.Export.Interval", "Power.Active.Import", "Power.Active.Export", "Power.Offered", "Current.Import",
    "Current.Export", "Current.Offered",
})  # fmt: skip

_PHASES = {"L1": 1, "L1-N": 1, "L2": 2, "L2-N": 2, "L3": 3, "L3-N": 3}

#: Less than this is the consumption of a charger that does not charge, in A.
_CARRIES = 1


def whole(samples: Iterable[Sample]) -> list[Sample]:
    """Return samples of the whole outlet: those that name no phase and, where only phases were told, their sums."""
    found: list[Sample] = []
    parts: dict[str, list[Sample]] = {}
    for each in samples:
        if each.phase is None:
            found.append(each)
        elif each.measurand in _ADDED and each.phase in _PHASES:
            parts.setdefault(each.measurand, []).append(each)
    if parts:
        told = {each.measurand for each in found}
        for measurand, some in parts.items():
            if measurand not in told:
                found += _sums(some)
    return found


def loaded(samples: Iterable[Sample]) -> int | None:
    """Return how many phases a car loads, counted from L1; None: not all three were measured, or none carries."""
    carried: dict[int, bool] = {}
    for each in samples:
        if each.phase is None or each.measurand != "Current.Import" or each.location not in (None, "Outlet"):
            continue
        phase = _PHASES.get(each.phase)
        if phase is not None:
            carried[phase] = each.value >= _CARRIES
    if len(carried) < 3:
        return None
    return max((phase for phase, carries in carried.items() if carries), default=None)


def _sums(parts: Sequence[Sample]) -> list[Sample]:
    """Return one sample for the parts that were measured at the same time."""
    first = parts[0]
    same = [each for each in parts if each.at == first.at and each.context == first.context]
    total = replace(first, phase=None, signed=None, value=sum([each.value for each in same]))
    rest = [each for each in parts if each not in same] if len(same) < len(parts) else []
    return [total, *_sums(rest)] if rest else [total]
