"""Contract IDs: the check digit of the published examples, and the errors it is there to find."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hub.emsp.drivers.contract_ids import ALPHABET, check_digit, is_valid, new_contract_id, normalized

IDS = st.text(ALPHABET, min_size=14, max_size=14)


@pytest.mark.parametrize(
    ("contract_id", "digit"),
    [
        ("NN123ABCDEFGHI", "T"), ("FRXYZ123456789", "2"), ("ITA1B2C3E4F5G6", "4"), ("ESZU8WOX834H1D", "R"),
        ("PT73902837ABCZ", "Z"), ("DE83DUIEN83QGZ", "D"), ("DE83DUIEN83ZGQ", "M"), ("DE8AA001234567", "0"),
    ],
)  # fmt: skip
def test_the_check_digit_is_that_of_the_published_examples(contract_id, digit):
    assert check_digit(contract_id) == digit


@given(IDS, st.integers(0, 13), st.sampled_from(ALPHABET))
def test_one_wrong_character_is_found(contract_id, place, other):
    assume(contract_id[place] != other)
    whole = contract_id + check_digit(contract_id)

    assert not is_valid(whole[:place] + other + whole[place + 1 :])


@given(IDS, st.integers(0, 12))
def test_two_neighbours_in_the_wrong_order_are_found(contract_id, place):
    assume(contract_id[place] != contract_id[place + 1])
    whole = contract_id + check_digit(contract_id)
    swapped = whole[:place] + whole[place + 1] + whole[place] + whole[place + 2 :]

    assert not is_valid(swapped)


def test_a_new_contract_id_is_valid_and_names_its_provider():
    made = new_contract_id("DE", "EMP")

    assert made.startswith("DE-EMP-C") and len(normalized(made)) == 15
    assert is_valid(made) and is_valid(made.lower().replace("-", ""))


@pytest.mark.parametrize("nonsense", ["", "DE", "DE8AA00123456?", "de8aa001234567"])
def test_what_is_no_contract_id_has_no_check_digit(nonsense):
    with pytest.raises(ValueError, match="14 characters"):
        check_digit(nonsense)
