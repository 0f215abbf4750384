"""What is logged: from the level an operator sets, a line for every hop, never what a message holds."""

import logging

import pytest

from hub.cli.serving import _log_level
from hub.hops import Hops
from hub.metrics import Metrics
from hub.ocpi.errors import ReceiverTimeout
from hub.ocpi.messages import Party, Request, Response
from hub.ocpi.modules import locations
from hub.settings import BadSetting


class Noted:
    """A trace that keeps nothing, and somebody with a name."""

    name = "Alfa"

    def hop(self, *args: object, **rest: object) -> None:
        return None


def request() -> Request:
    sender, receiver = Party("DE", "ABC"), Party("NL", "TNM")
    return Request(locations.get_location, sender, receiver, {"location_id": "SECRET"}, correlation_id="c1")


def test_a_hop_is_a_line_at_info(caplog: pytest.LogCaptureFixture) -> None:
    hops = Hops(Noted(), Metrics())  # type: ignore[arg-type]
    caplog.set_level(logging.INFO, "hub")

    hops.answered(request(), Noted(), Response(), 0.01)
    hops.asked(request(), Noted(), ReceiverTimeout(), 0.01)

    operation = str(locations.get_location)
    assert caplog.messages == [
        f"{operation} DE-ABC -> NL-TNM (asked by Alfa), c1: 1000",
        f"{operation} DE-ABC -> NL-TNM (put to Alfa), c1: 4002",
    ]


def test_without_that_level_a_hop_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    hops = Hops(Noted(), Metrics())  # type: ignore[arg-type]
    caplog.set_level(logging.WARNING, "hub")

    hops.answered(request(), Noted(), Response(), 0.01)

    assert caplog.messages == []


def test_the_level_is_a_setting_and_warning_without_it() -> None:
    assert _log_level("") == logging.WARNING
    assert _log_level("info") == logging.INFO
    with pytest.raises(BadSetting, match="EMALL_LOG_LEVEL='loud' is no level"):
        _log_level("loud")
