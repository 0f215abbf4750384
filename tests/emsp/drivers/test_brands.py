"""Logging in at a brand's identity provider, over HTTP to a provider on this machine (INCAR-UC001, INCAR-UC002)."""

import base64
import hmac
import json

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from adapters.identity.oidc import OpenIdConnect
from hub.api.problems import Conflict, Invalid, NotFound, Unauthorized, Unavailable
from hub.emsp.drivers.brands import read_brands
from hub.emsp.drivers.needs import Brand
from hub.emsp.drivers.people import DriverQuery
from hub.ocpi.times import utc_now
from tests.emsp.drivers.conftest import DEVICE, desk_of, joined
from tests.emsp.drivers.issuer import Issuer, answered, served

BACK = "com.example.app:/back"


@pytest.fixture
async def issuer():
    made = Issuer()
    made.people["ada"] = ("secret", {
        "sub": "42", "given_name": "Ada", "family_name": "Lovelace", "email": "ada@example.org",
        "email_verified": True, "locale": "it-IT", "ocpi_token_uid": "REALM-42",
    })  # fmt: skip
    async with served(made):
        yield made


@pytest.fixture
async def identities():
    made = OpenIdConnect(utc_now)
    yield made
    await made.close()


def brand_of(provider, name="blue", **changes):
    plain = {"title": name.title(), "issuer": provider.url, "client_id": "emall", "redirect_uris": (BACK,)}
    return Brand(name=name, **(plain | changes))


@pytest.fixture
def desk(emsp, mailbox, purse, clock, issuer, identities):
    return desk_of(emsp, mailbox, purse, clock, brands=[brand_of(issuer)], identities=identities)


async def left(desk, brand="blue", user="ada", password="secret"):
    """Return the answer of the identity provider to a driver who leaves for it."""
    url = await desk.brands.begin(brand, BACK, "it")
    async with httpx.AsyncClient() as browser:
        return await browser.get(f"{url}&user={user}&password={password}")


async def come_back(desk, **who):
    answer = await left(desk, **who)
    return await desk.brands.finish(*answered(answer.headers["location"]), DEVICE)


async def drivers(desk):
    return (await desk.people.page(DriverQuery())).items


async def test_a_driver_logs_in_at_his_brand_and_its_claim_is_the_uid_of_his_token(desk):
    """INCAR-AU01, INCAR-UC002."""
    made = await come_back(desk)

    who = await desk.logins.principal(made.token)
    driver = await desk.people.get(who.id)
    assert (driver.brand, driver.name, driver.email, driver.language) == ("blue", "Ada", "ada@example.org", "it")
    (token,) = await desk.tokens.of_driver(driver.id)
    assert (token.type, token.uid) == ("APP_USER", "REALM-42")
    assert await desk.store.token("REALM-42", "APP_USER") is not None


async def test_who_comes_again_is_the_same_driver(desk):
    first, second = await come_back(desk), await come_back(desk)

    assert first.driver_id == second.driver_id and first.token != second.token
    assert len(await drivers(desk)) == 1


async def test_the_brands_are_listed(desk):
    """INCAR-UC001."""
    assert [(each.name, each.title) for each in desk.brands.all()] == [("blue", "Blue")]


async def test_a_wrong_password_at_the_identity_provider_makes_no_driver_and_no_token(desk):
    """X-38, X-39: the password never comes here, nor does a code."""
    answer = await left(desk, password="wrong")

    assert answer.status_code == 401 and "location" not in answer.headers
    assert await drivers(desk) == []


async def test_a_code_that_was_made_up_is_refused_and_nothing_is_issued(desk):
    """X-39."""
    state, _ = answered((await left(desk)).headers["location"])

    with pytest.raises(Unauthorized, match="did not accept"):
        await desk.brands.finish(state, "made up", DEVICE)

    assert await drivers(desk) == []
    with pytest.raises(Invalid, match=r"\$\.state"):
        await desk.brands.finish(state, "made up", DEVICE)


async def test_coming_back_twice_or_with_a_made_up_state_is_refused(desk):
    state, code = answered((await left(desk)).headers["location"])
    await desk.brands.finish(state, code, DEVICE)

    for wrong in (state, "made up"):
        with pytest.raises(Invalid, match=r"\$\.state"):
            await desk.brands.finish(wrong, code, DEVICE)


async def test_who_stays_away_too_long_begins_again(desk, clock):
    state, code = answered((await left(desk)).headers["location"])
    await clock.advance(600)

    with pytest.raises(Invalid, match=r"\$\.state"):
        await desk.brands.finish(state, code, DEVICE)


SPOILT = {
    "of another issuer": {"iss": "https://evil.test"},
    "for another client": {"aud": "other"},
    "for several, and nobody in particular": {"aud": ["emall", "other"]},
    "given to another": {"aud": ["emall", "other"], "azp": "other"},
    "of another log-in": {"nonce": "another"},
    "too old": {"exp": 1},
    "of the future": {"nbf": 2**40},
    "without a subject": {"sub": None},
}


@pytest.mark.parametrize("change", SPOILT.values(), ids=SPOILT.keys())
async def test_an_id_token_that_is_not_for_this_log_in_is_refused(desk, issuer, change):
    issuer.spoil = lambda claims: {
        name: value for name, value in (claims | change).items() if value is not None
    }  # fmt: skip

    with pytest.raises(Unauthorized):
        await come_back(desk)

    assert await drivers(desk) == []


async def test_an_id_token_signed_by_somebody_else_is_refused(desk, issuer):
    other = RSAKey.generate_key(2048, {"kid": "1"})
    issuer.sign = lambda claims: jwt.encode({"alg": "RS256", "kid": "1"}, claims, other)

    with pytest.raises(Unauthorized):
        await come_back(desk)


@pytest.mark.parametrize("algorithm", ["HS256", "none"])
async def test_an_id_token_signed_with_the_public_key_as_a_secret_or_by_nobody_is_refused(desk, issuer, algorithm):
    secret = issuer.key.as_pem(private=False)

    def sign(claims):
        parts = [encoded(json.dumps(each).encode()) for each in ({"alg": algorithm, "kid": "1"}, claims)]
        mark = hmac.digest(secret, ".".join(parts).encode(), "sha256") if algorithm == "HS256" else b""
        return ".".join([*parts, encoded(mark)])

    issuer.sign = sign

    with pytest.raises(Unauthorized):
        await come_back(desk)

    assert await drivers(desk) == []


def encoded(value):
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


async def test_keys_that_have_changed_are_read_again(desk, issuer):
    await come_back(desk)
    issuer.key = RSAKey.generate_key(2048, {"kid": "2"})

    assert (await come_back(desk)).token


async def test_an_address_that_is_not_verified_or_is_taken_is_not_the_drivers(desk, issuer):
    _, claims = issuer.people["ada"]
    issuer.people["eve"] = ("secret", claims | {"sub": "43", "ocpi_token_uid": None})
    issuer.people["mal"] = ("secret", {"sub": "44", "email": "mal@example.org", "email_verified": False})
    await come_back(desk)

    for user in ("eve", "mal"):
        driver = await desk.people.get((await come_back(desk, user=user)).driver_id)
        assert driver.email is None
    assert len(await drivers(desk)) == 3


async def test_brands_are_realms_of_their_own(emsp, mailbox, purse, clock, issuer, identities):
    """INCAR-AU03: the same subject and address at another issuer is another driver."""
    other = Issuer()
    other.people["ada"] = ("secret", issuer.people["ada"][1] | {"ocpi_token_uid": "OTHER-42"})
    async with served(other):
        brands = [brand_of(issuer), brand_of(other, "green")]
        desk = desk_of(emsp, mailbox, purse, clock, brands=brands, identities=identities)
        own = await joined(desk, mailbox)

        made = [await come_back(desk, brand=each.name) for each in brands]

    assert len({own.id, *(each.driver_id for each in made)}) == 3


async def test_a_token_claim_that_is_somebody_elses_token_is_refused(desk, issuer):
    await come_back(desk)
    issuer.people["eve"] = ("secret", {"sub": "43", "ocpi_token_uid": "realm-42"})

    with pytest.raises(Conflict, match="another driver"):
        await come_back(desk, user="eve")

    assert len(await drivers(desk)) == 1


async def test_a_driver_comes_back_only_where_the_brand_allows(desk):
    with pytest.raises(Invalid, match="redirect_uri"):
        await desk.brands.begin("blue", "https://evil.test/")
    with pytest.raises(NotFound):
        await desk.brands.begin("red", BACK)


async def test_an_identity_provider_that_is_away_or_not_who_it_should_be_is_said_to_be(
    emsp, mailbox, purse, clock, issuer, identities
):
    brands = [
        brand_of(issuer, "away", issuer="http://127.0.0.1:1"),
        brand_of(issuer, "plain", issuer="http://evil.test"),
        brand_of(issuer, "other", issuer=issuer.url + "/"),
    ]
    desk = desk_of(emsp, mailbox, purse, clock, brands=brands, identities=identities)

    for each in brands:
        with pytest.raises(Unavailable, match="cannot be asked"):
            await desk.brands.begin(each.name, BACK)


async def test_a_driver_who_was_taken_off_does_not_log_in_by_his_brand(desk):
    made = await come_back(desk)
    await desk.registrar.deregister(made.driver_id)

    with pytest.raises(Unauthorized, match="closed"):
        await come_back(desk)
    assert await desk.logins.principal(made.token) is None


def test_brands_are_read_from_a_file_and_a_fault_is_placed(tmp_path):
    file = tmp_path / "brands.json"
    one = {"name": "blue", "title": "Blue", "issuer": "https://id.test", "client_id": "x", "redirect_uris": [BACK]}
    file.write_text(json.dumps([one]))
    assert read_brands(file)[0].redirect_uris == (BACK,)

    file.write_text(json.dumps([{**one, "issuer": 1}]))
    with pytest.raises(ValueError, match=r"brands\.json.*issuer"):
        read_brands(file)
