"""Which door a request goes to, with and without a path before ours."""

import pytest

from hub.front import Front
from hub.metrics import Metrics


class Door:
    """An application that notes the path it is asked for."""

    def __init__(self):
        self.asked = []

    async def __call__(self, scope, receive, send):
        self.asked.append(scope["path"])


async def page(front, path):
    """Return the status of a page of the front's own."""
    sent = []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "headers": []}
    await front(scope, None, send)
    return sent[0]["status"] if sent else None


@pytest.mark.parametrize(
    ("public_url", "asked", "at_the_door"),
    [
        ("http://h", "/ocpi/versions", "/ocpi/versions"),
        ("http://h/roaming", "/roaming/ocpi/versions", "/ocpi/versions"),
        ("http://h/roaming", "/ocpi/versions", "/ocpi/versions"),  # a proxy has stripped it
        ("http://h/o", "/ocpi/versions", "/ocpi/versions"),
        ("http://h/ocpi", "/ocpi/ocpi/versions", "/ocpi/versions"),
        ("http://h/ocpi", "/ocpi/versions", "/ocpi/versions"),
    ],
)
async def test_a_door_is_found_whether_a_proxy_strips_the_public_path_or_not(public_url, asked, at_the_door):
    door = Door()

    await page(Front({"/ocpi": door}, public_url, Metrics(), show_metrics=False), asked)

    assert door.asked == [at_the_door]


@pytest.mark.parametrize(
    ("public_url", "asked"), [("http://h/o", "/openapi/2.2.1.json"), ("http://h/hub", "/hub/health")]
)
async def test_a_page_is_found_likewise(public_url, asked):
    front = Front({"/ocpi": Door()}, public_url, Metrics(), show_metrics=False)

    assert await page(front, asked) == 200
    assert await page(front, "/ocpinion") == 404
