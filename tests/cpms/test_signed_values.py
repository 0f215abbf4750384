"""Signed meter values, from the frame of a station to what a CDR repeats (mod_cdrs, SignedData)."""

import base64

from hub.cpms.signed import signed_data
from hub.cpms.transactions import message_of
from tests.ocpp.dialects.playing import NOW_TEXT, Play


async def stop_with(*sampled):
    """Return what the stop of a 1.6 transaction with this transactionData tells."""
    play = Play("1.6")
    data = [{"timestamp": NOW_TEXT, "sampledValue": list(sampled)}]
    await play.says(
        "StopTransaction",
        {"transactionId": 1, "meterStop": 8500, "timestamp": NOW_TEXT, "transactionData": data},
    )
    return message_of(play.told())


async def test_a_register_sent_signed_only_is_in_the_cdr_and_counts_as_no_energy():
    begin = {"value": "OCMF|1|a", "format": "SignedData", "context": "Transaction.Begin"}
    end = {"value": "OCMF|2|b", "format": "SignedData", "context": "Transaction.End"}

    message = await stop_with(begin, end)

    assert message.register == 8_500_000
    assert [each["signed_data"] for each in signed_data(message.detail["signed"])["signed_values"]] == [
        base64.b64encode(text).decode() for text in (b"OCMF|1|a", b"OCMF|2|b")
    ]


async def test_a_register_sent_both_ways_is_signed_once():
    plain = {"value": "8500", "context": "Transaction.End"}
    signed = {"value": "OCMF|2|b", "format": "SignedData", "context": "Transaction.End"}

    message = await stop_with(plain, signed)

    assert message.detail["signed"] == ["OCMF|2|b"]


async def test_what_is_signed_of_another_measurand_is_no_register():
    plain = {"value": "230", "measurand": "Voltage"}
    signed = {"value": "OCMF|V", "measurand": "Voltage", "format": "SignedData"}

    message = await stop_with(plain, signed)

    assert "signed" not in message.detail
