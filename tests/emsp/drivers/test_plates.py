"""Plates and phone numbers, each written one way."""

import pytest

from hub.emsp.drivers import phones, plates


@pytest.mark.parametrize(
    ("plate", "country"),
    [
        ("AB 123 CD", "IT"), ("AB-123-CD", "FR"), ("123 ABC 75", "FR"), ("M-AB 1234", "DE"), ("LÖ AB 12E", "DE"),
        ("AB12 CDE", "GB"), ("1234 BCD", "ES"), ("12-ABC-3", "NL"), ("G-123-BB", "NL"), ("KT12 345", "AT"),
    ],
)  # fmt: skip
def test_plates_of_many_countries_can_exist(plate, country):
    assert plates.can_exist(plate, country)


@pytest.mark.parametrize(
    ("plate", "country"),
    [
        ("AI 123 CD", "IT"), ("AB 12 CD", "IT"), ("AB-123-CI", "FR"), ("M-AB 0123", "DE"), ("1234 ABC", "ES"),
        ("ABCDEF", "NL"), ("123456", "NL"), ("", "AT"), ("A", "AT"), ("ABCDEFGHIJK", "AT"), ("AB_12", "AT"),
        ("\u0410\u0412123", "AT"),
    ],
)  # fmt: skip
def test_plates_that_cannot_exist_are_known(plate, country):
    assert not plates.can_exist(plate, country)


@pytest.mark.parametrize("text", ["+39 02 1234567", "0039021234567", "+39 (02) 123-45.67"])
def test_a_phone_number_is_one_however_it_is_written(text):
    assert phones.normalized(text) == "+39021234567"


@pytest.mark.parametrize("text", ["", "021234567", "+0 12345678", "+39", "+39 02 12345678901234", "+39x"])
def test_what_is_no_phone_number_is_refused(text):
    with pytest.raises(ValueError, match="country code"):
        phones.normalized(text)
