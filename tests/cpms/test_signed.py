"""Signed meter values reach the CDR as the meter signed them."""

import base64

from hub.cpms.signed import signed_data

OCMF = 'OCMF|{"FV":"1.0"}|{"SD":"30"}'


def test_a_text_of_1_6_is_passed_through_in_base64():
    made = signed_data([OCMF, OCMF + "2"])

    assert made["encoding_method"] == "OCMF"
    assert [each["nature"] for each in made["signed_values"]] == ["Start", "End"]
    assert base64.b64decode(made["signed_values"][0]["signed_data"]).decode() == OCMF


def test_a_value_of_2_0_1_names_its_method_and_key():
    value = {"signedMeterData": "AAAA", "signingMethod": "ECDSA", "encodingMethod": "EDL", "publicKey": "KEY"}

    made = signed_data([value, value, value])

    assert (made["encoding_method"], made["public_key"]) == ("EDL", "KEY")
    assert [each["nature"] for each in made["signed_values"]] == ["Start", "Intermediate", "End"]
    assert {each["signed_data"] for each in made["signed_values"]} == {"AAAA"}


def test_what_a_cdr_cannot_hold_is_left_out():
    assert signed_data([]) is None
    assert signed_data([{"signedMeterData": "A" * 6000}]) is None
    assert [each["nature"] for each in signed_data(["x"])["signed_values"]] == ["End"]
