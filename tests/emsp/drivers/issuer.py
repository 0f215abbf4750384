"""A small OpenID provider on a port of this machine: what Keycloak does, as far as a log-in needs it."""

import asyncio
import base64
import contextlib
import hashlib
import secrets
import time
from urllib.parse import parse_qs, urlencode, urlsplit

import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse
from starlette.routing import Route


class Issuer:
    """One realm with its people.

    Attributes:
        people: by user name: password and claims.
        spoil: changes the claims of an ID Token before it is signed.
        sign: makes the ID Token of its claims.
        key: what it signs with, and publishes.
    """

    def __init__(self):
        self.url = ""
        self.people = {}
        self.key = RSAKey.generate_key(2048, {"kid": "1"})
        self.spoil = lambda claims: claims
        self.sign = lambda claims: jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, self.key)
        self._codes = {}
        self.application = Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self.configuration),
                Route("/keys", self.keys),
                Route("/authorize", self.authorize),
                Route("/token", self.token, methods=["POST"]),
            ]
        )

    async def configuration(self, request: Request):
        names = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/keys"}
        return JSONResponse({"issuer": self.url} | {name: self.url + path for name, path in names.items()})

    async def keys(self, request: Request):
        return JSONResponse({"keys": [self.key.as_dict(private=False)]})

    async def authorize(self, request: Request):
        """Log somebody in whose name and password the test put into the query, for there is no form."""
        asked = dict(request.query_params)
        password, claims = self.people.get(asked.get("user", ""), (None, None))
        if asked.get("password") != password or password is None:
            return JSONResponse({"error": "access_denied"}, 401)
        code = secrets.token_urlsafe()
        self._codes[code] = (asked, claims)
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}")

    async def token(self, request: Request):
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        asked, claims = self._codes.pop(form["code"], (None, None))
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if asked is None or challenge != asked["code_challenge"] or form["redirect_uri"] != asked["redirect_uri"]:
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(time.time())
        made = {
            "iss": self.url, "aud": asked["client_id"], "iat": now, "exp": now + 300, "nonce": asked["nonce"], **claims
        }  # fmt: skip
        return JSONResponse({"id_token": self.sign(self.spoil(made)), "access_token": "unused", "token_type": "Bearer"})


@contextlib.asynccontextmanager
async def served(issuer):
    """Serve an issuer on a free port while this lasts."""
    config = uvicorn.Config(issuer.application, port=0, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    issuer.url = f"http://127.0.0.1:{port}"
    try:
        yield issuer
    finally:
        server.should_exit = True
        await running


def answered(location):
    """Return state and code a driver is sent back with."""
    found = parse_qs(urlsplit(location).query)
    return found["state"][0], found["code"][0]
