"""Contract IDs (eMAID) with their check digit.

Each of the 36 characters is a pair of two bits and a pair of two trits. Weighted by powers of one matrix over each
field, the pairs of all fifteen add up to nothing; that finds single errors, swapped and doubled neighbours.

Source: DIN SPEC 91286; eMI3, "Check Digit Calculation for Contract-IDs"; ISO 15118-1, annex H.
"""

import secrets

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

_LENGTH = 14  # country, provider, "C" and eight characters, without the check digit
_INSTANCE = "123456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # what is not read for something else

#: A weighted sum: two bits, two trits.
Sum = tuple[int, int, int, int]


def check_digit(contract_id: str) -> str:
    """Return the check digit of a contract ID of 14 characters without separators.

    Raises:
        ValueError: it is none.
    """
    if len(contract_id) != _LENGTH or any(each not in ALPHABET for each in contract_id):
        raise ValueError("a contract ID has 14 characters of A-Z and 0-9 before its check digit")
    return next(each for each in ALPHABET if _sum(contract_id + each) == (0, 0, 0, 0))


def normalized(contract_id: str) -> str:
    """Return a contract ID without separators, in upper case."""
    return contract_id.replace("-", "").upper()


def is_valid(contract_id: str) -> bool:
    """Return whether a contract ID, with separators or without, has the check digit it should have."""
    text = normalized(contract_id)
    return len(text) == _LENGTH + 1 and all(each in ALPHABET for each in text) and _sum(text) == (0, 0, 0, 0)


def new_contract_id(country_code: str, party_id: str) -> str:
    """Return a new contract ID of a provider: ``DE-8AA-CA2B3C4D5-1``."""
    instance = "C" + "".join(secrets.choice(_INSTANCE) for _ in range(8))
    digit = check_digit(country_code + party_id + instance)
    return f"{country_code}-{party_id}-{instance}-{digit}"


def _sum(text: str) -> Sum:
    # Horner's rule from the last character on: the sum is multiplied once more by its matrix before each is added.
    total: Sum = (0, 0, 0, 0)
    for each in reversed(text):
        q1, q2, r1, r2 = _turned(total)
        a, b, c, d = _coordinates(each)
        total = ((q1 + a) % 2, (q2 + b) % 2, (r1 + c) % 3, (r2 + d) % 3)
    return total


def _coordinates(character: str) -> Sum:
    rest, r2 = divmod(ALPHABET.index(character), 3)
    rest, r1 = divmod(rest, 3)
    q1, q2 = divmod(rest, 2)
    return q1, q2, r1, r2


def _turned(value: Sum) -> Sum:
    """Return the row vectors times ((0, 1), (1, 1)) modulo 2 and ((0, 1), (1, 2)) modulo 3."""
    q1, q2, r1, r2 = value
    return q2, (q1 + q2) % 2, r2, (r1 + 2 * r2) % 3
