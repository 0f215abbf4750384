"""What a QR code on a socket leads to in a browser: ``/c/{EVSE-ID}``, a page that leads to the app.

Source: RASD-UC05; Content Security Policy Level 3.
"""

import html
from string import Template
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from hub.api.declaring import Call, route
from hub.api.realms import Access
from hub.emsp.api.routes.refusing import in_path, refusing
from hub.emsp.charging.ground import find_code
from hub.emsp.store import Store

_PAGE = Template("""<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>$code</title>
<h1>$name</h1>
<p>$address, $city</p>
<p>Charge point $code is $status.</p>
<p><a href="$app">Charge here with the app</a></p></html>
""")

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}


class CodeRoutes:
    """The page of a socket.

    Args:
        app_url: where the app is.
    """

    tag = "charging"

    def __init__(self, store: Store, app_url: str) -> None:
        self._store = store
        self._app_url = app_url.rstrip("/")

    @route("GET", "/c/{evse_id}", scope=Access.PUBLIC, produces="text/html")
    async def page_of_code(self, call: Call, evse_id: str) -> Response:
        """The page a QR code on a socket leads to."""
        with refusing(in_path):
            found = await find_code(self._store, evse_id)
        code = found.evse.get("evse_id") or evse_id
        texts = {
            "code": code,
            "name": found.location.get("name") or found.location["address"],
            "address": found.location["address"],
            "city": found.location["city"],
            "status": found.status.lower().replace("_", " "),
            "app": f"{self._app_url}/c/{quote(code, safe='*')}",
        }
        text = _PAGE.substitute({name: html.escape(each) for name, each in texts.items()})
        return Response(text, headers=_HEADERS, media_type="text/html")


class CodeDoor:
    """``/c/{EVSE-ID}`` at the front of the house, short enough for a QR code: it leads to the page.

    Args:
        url: of the API.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        raw: bytes = scope.get("raw_path") or scope["path"].encode()
        code = raw.partition(b"?")[0].decode("ascii", "replace").rpartition("/c/")[2]
        answer = RedirectResponse(f"{self._url}/c/{quote(code, safe='*%')}") if code else Response(None, 404)
        await answer(scope, receive, send)
