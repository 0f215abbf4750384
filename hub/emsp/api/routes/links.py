"""The pages that links in letters lead to, for a provider whose app has none of its own.

A page asks before it does anything, for some mail servers follow every link to see what is there. It is the same for
everyone: the token stays in the address, where the page's own script reads it.

Source: DD-C-MAIL; Content Security Policy Level 3.
"""

import secrets
from string import Template
from typing import Literal

from starlette.responses import Response

from hub.api.declaring import Call, route
from hub.api.realms import Access
from hub.api.shapes import Shape

Purpose = Literal["confirm", "reset", "change"]

_PASSWORDS = (
    '<label>New password <input type="password" name="password" minlength="12" required></label>'
    '<label>Again <input type="password" name="password_again" minlength="12" required></label>'
)

#: By purpose: title, fields, path below the API, what is said when it is done.
_PAGES: dict[str, tuple[str, str, str, str]] = {
    "confirm": ("Confirm your e-mail address", "", "/sign-up/confirmation", "Your address is confirmed. Log in."),
    "reset": ("Choose a new password", _PASSWORDS, "/driver/password/reset", "Your password is changed. Log in."),
    "change": ("Confirm your new e-mail address", "", "/driver/email/confirmation", "Your address is changed."),
}

_PAGE = Template("""<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>$title</title>
<style nonce="$nonce">
body { font: 1.1em sans-serif; max-width: 30em; margin: 3em auto; padding: 0 1em } label { display: block }
</style>
<h1>$title</h1>
<form>$fields<p><button>Continue</button></p></form>
<p role="status"></p>
<script nonce="$nonce">
const form = document.querySelector("form"), status = document.querySelector("[role=status]");
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const token = new URLSearchParams(location.search).get("token") || "";
  const body = JSON.stringify({token, ...Object.fromEntries(new FormData(form))});
  const headers = {"Content-Type": "application/json"};
  const answer = await fetch(location.pathname.replace(/\\/links\\/.*/, "$path"), {method: "POST", headers, body});
  if (answer.ok) { form.remove(); status.textContent = "$done"; }
  else { status.textContent = (await answer.json()).detail; }
});
</script></html>
""")


class LinkToken(Shape, frozen=True, kw_only=True):
    """What stands in a link; only the page's script reads it."""

    token: str = ""


class LinkRoutes:
    """A page per purpose."""

    tag = "driver accounts"

    @route("GET", "/links/confirm", scope=Access.PUBLIC, produces="text/html")
    async def page_to_confirm(self, call: Call, query: LinkToken) -> Response:
        """The page that confirms an address."""
        return _page("confirm")

    @route("GET", "/links/reset", scope=Access.PUBLIC, produces="text/html")
    async def page_to_reset(self, call: Call, query: LinkToken) -> Response:
        """The page that asks for a new password."""
        return _page("reset")

    @route("GET", "/links/change", scope=Access.PUBLIC, produces="text/html")
    async def page_to_change(self, call: Call, query: LinkToken) -> Response:
        """The page that confirms a new address."""
        return _page("change")


def _page(purpose: Purpose) -> Response:
    title, fields, path, done = _PAGES[purpose]
    nonce = secrets.token_urlsafe(16)
    text = _PAGE.substitute(title=title, fields=fields, path=path, done=done, nonce=nonce)
    policy = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; connect-src 'self';"
        " base-uri 'none'; frame-ancestors 'none'"
    )
    headers = {
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(text, headers=headers, media_type="text/html")
