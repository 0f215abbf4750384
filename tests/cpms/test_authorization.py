"""Who may charge: the station's question, answered by held tokens, whitelists, the eMSP, or without it."""

import asyncio

import pytest

from hub.cpms.authorization import Cascade
from hub.cpms.builtin import Rules
from hub.cpms.ports import Authorization, Outlet, Refusal
from hub.cpms.store import Store
from hub.ocpi.errors import InvalidParameters, ReceiverUnreachable, ServerError, UnknownToken
from hub.ocpi.messages import Body, Response
from hub.ocpi.modules import tokens
from hub.ocpp.events import IdToken
from tests.cpms.operating import HERE, Operation
from tests.rooms import CPO, EMSP, token

OUTLET = Outlet(location_id="LOC1", evse_uid="ST1-1", connector_id="1")


@pytest.fixture
async def operation(hub, database, clock):
    rules = Rules(test_tokens=frozenset({"TEST-1"}))
    made = await Operation(hub, database, clock, rules).start()
    made.chargers.connect()
    yield made
    await made.stop()


def says(allowed, **more):
    """An eMSP's AuthorizationInfo."""
    return Response(Body(tokens.AuthorizationInfo, value={"allowed": allowed, "token": token(), **more}))


# -- GEM-4.1.1-01: white and black lists first ---------------------------------------------------------


@pytest.mark.parametrize("whitelist", ["ALWAYS", "ALLOWED"])
async def test_a_whitelisted_token_starts_at_once_and_no_hub_is_called(operation, hub, whitelist):
    """GEM-4.1.1-01."""
    await operation.know(token(whitelist=whitelist))

    assert (await operation.present()).status == "Accepted"
    assert hub.heard(tokens.authorize) == []


async def test_a_blacklisted_token_is_denied_at_once_and_no_hub_is_called(operation, hub):
    """GEM-4.1.1-01."""
    await operation.know(token(valid=False))

    info = await operation.present()

    assert (info.status, info.message) == ("Blocked", "This token is blocked")
    assert hub.heard(tokens.authorize) == []


@pytest.mark.parametrize("whitelist", ["ALLOWED_OFFLINE", "NEVER"])
async def test_a_token_that_must_be_asked_about_is_asked_about_even_if_it_was_invalid(operation, hub, whitelist):
    """WhitelistType: the state of the Token might have changed."""
    await operation.know(token(whitelist=whitelist, valid=False))
    hub.answers[tokens.authorize] = says("ALLOWED", authorization_reference="REF")

    info = await operation.present()
    await operation.tell(operation.started())

    (request,) = hub.heard(tokens.authorize)
    (session,) = await operation.sessions()
    assert info.status == "Accepted"
    assert request.value == {"location_id": "LOC1", "evse_uids": ["ST1-1"]}
    assert (session["auth_method"], session["authorization_reference"]) == ("AUTH_REQUEST", "REF")


async def test_a_token_nobody_told_us_of_is_a_roaming_case_the_hub_finds_its_provider(operation, hub):
    """GEM-4.1.1-02."""
    hub.answers[tokens.authorize] = says("ALLOWED")

    assert (await operation.present("CARD-9")).status == "Accepted"
    (request,) = hub.heard(tokens.authorize)
    assert (request.params["token_uid"], request.query, request.receiver) == ("CARD-9", "type=RFID", None)


@pytest.mark.parametrize(
    ("allowed", "status"),
    [
        ("BLOCKED", "Blocked"),
        ("EXPIRED", "Expired"),
        ("NO_CREDIT", "NoCredit"),
        ("NOT_ALLOWED", "NotAtThisLocation"),
        ("SOMETHING_NEW", "Unknown"),
    ],
)
async def test_the_driver_is_told_why(operation, hub, allowed, status):
    """GEM-UC-1502, X-64."""
    hub.answers[tokens.authorize] = says(allowed)

    info = await operation.present()

    assert info.status == status
    assert info.message


@pytest.mark.parametrize("odd", [[], {}, "ALLOWED", None, {"allowed": "ALLOWED"}, {"allowed": [], "token": {}}])
async def test_what_is_no_authorization_info_is_no_leave(operation, hub, odd):
    await operation.know(token(whitelist="ALLOWED_OFFLINE"))
    hub.answers[tokens.authorize] = Response(Body(tokens.AuthorizationInfo, value=odd))

    assert (await operation.present()).status == "Unknown"


@pytest.mark.parametrize("known", [True, False])
async def test_no_emsp_gives_leave_by_the_token_of_another(operation, hub, known):
    """Whose Token stands in the Session pays for it."""
    if known:
        await operation.know(token(whitelist="NEVER"))
    info = {"allowed": "ALLOWED", "token": token(country_code="FR", party_id="XYZ")}
    hub.answers[tokens.authorize] = Response(Body(tokens.AuthorizationInfo, value=info), sender=EMSP)

    assert (await operation.present()).status == "Unknown"


async def test_what_the_emsp_wants_the_driver_told_is_told(operation, hub):
    """GEM-UC-1502."""
    text = {"language": "de", "text": "Bitte aufladen"}
    hub.answers[tokens.authorize] = says("NO_CREDIT", info=text)

    assert (await operation.present()).message == "Bitte aufladen"


async def test_a_token_no_provider_knows_is_unknown(operation, hub):
    hub.answers[tokens.authorize] = UnknownToken()

    assert (await operation.present()).status == "Unknown"


@pytest.mark.parametrize("error", [ReceiverUnreachable, ServerError])
@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"whitelist": "ALLOWED_OFFLINE"}, "Accepted"),
        ({"whitelist": "ALLOWED_OFFLINE", "valid": False}, "Invalid"),
        ({"whitelist": "NEVER"}, "Invalid"),
    ],
)
async def test_a_provider_that_cannot_be_asked_leaves_the_offline_rule(operation, hub, error, changes, status):
    """WhitelistType; X-64: server unavailable."""
    await operation.know(token(**changes))
    hub.answers[tokens.authorize] = error()

    assert (await operation.present()).status == status


async def test_a_refusal_that_is_no_answer_is_no_leave(operation, hub):
    hub.answers[tokens.authorize] = InvalidParameters()

    assert (await operation.present()).status == "Unknown"


async def test_a_provider_that_takes_too_long_is_not_waited_for(database, clock):
    async def silent(request):
        await asyncio.sleep(60)

    cascade = Cascade(party=CPO, store=Store(database, CPO), hub=silent, timeout=0.05, clock=clock.now)

    said = await cascade.judge("CARD-1", "RFID", OUTLET)

    assert isinstance(said, Refusal)
    assert said.reason == "UNREACHABLE"


# -- what is asked once --------------------------------------------------------------------------------


async def test_the_leave_just_given_holds_for_the_transaction_it_was_asked_for(operation, hub):
    hub.answers[tokens.authorize] = says("ALLOWED")
    await operation.present(at=None)  # Authorize of 1.6 names no connector

    await operation.tell(operation.started())
    await operation.later(301)
    await operation.present()

    assert len(hub.heard(tokens.authorize)) == 2


async def test_the_token_of_a_command_is_not_asked_about_at_its_station(operation, hub, clock):
    """mod_commands, StartSession: 15 minutes."""
    held = Authorization(token=token(whitelist="NEVER"), method="COMMAND", reference="REF")
    operation.endpoints.desk.hold(OUTLET, held)

    assert (await operation.present()).status == "Accepted"
    await operation.tell(operation.started())
    (session,) = await operation.sessions()
    assert (session["auth_method"], session["authorization_reference"]) == ("COMMAND", "REF")
    assert hub.heard(tokens.authorize) == []


# -- means of identification -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("uid", "kind", "query"),
    [
        ("04A1B2C3", "ISO14443", "type=RFID"),
        ("04A1B2C3", "ISO15693", "type=RFID"),
        ("DE8AAC12345678", "eMAID", "type=EMAID"),
        ("app-user-1", "Central", "type=APP_USER"),
        ("VID:00B0D063C226", "ISO14443", "type=OTHER"),
        ("00B0D063C226", "MacAddress", "type=OTHER"),
        ("1234", "KeyCode", "type=OTHER"),
    ],
)
async def test_every_means_of_identification_is_asked_about_as_what_it_is(operation, hub, uid, kind, query):
    """RFID, plug and charge, app, AutoCharge, key code."""
    hub.answers[tokens.authorize] = says("ALLOWED")

    assert (await operation.present(uid, kind)).status == "Accepted"
    assert [request.query for request in hub.heard(tokens.authorize)] == [query]


async def test_a_station_that_asks_for_nobody_gets_no_leave(operation, hub):
    assert (await operation.present("", "NoAuthorization")).status == "Unknown"
    assert hub.heard(tokens.authorize) == []


async def test_a_station_nobody_has_placed_charges_for_nobody(operation):
    await operation.know(token())
    elsewhere = HERE.__class__(station_id="ST1", evse_id=9)

    info = await operation.present(at=elsewhere)

    assert (info.status, info.message) == ("NotAtThisLocation", "This station is not in operation")


async def test_tokens_of_a_group_are_named_as_such_so_that_they_may_stop_each_other(operation):
    await operation.know(token(group_id="FLEET-7"))
    await operation.know(token(uid="CARD-2", group_id="FLEET-7"))
    number = (await operation.tell(operation.started())).transaction_id

    assert (await operation.present("CARD-1")).group_id_token == "FLEET-7"
    assert (await operation.present("CARD-2")).group_id_token == "FLEET-7"
    await operation.later(600)
    answer = await operation.tell(operation.stopped(number, 2000, uid="CARD-2"))
    assert answer.token.group_id_token == "FLEET-7"
    assert len(await operation.cdrs()) == 1


# -- tests -----------------------------------------------------------------------------------------------


async def test_a_test_session_is_stopped_after_five_minutes_and_makes_no_cdr(operation, hub):
    """SGEM-4.4-05, X-60."""
    commands = operation.chargers.connect()
    number = (await operation.tell(operation.started(uid="test-1"))).transaction_id

    await operation.later(290)
    assert commands.told == []
    await operation.later(40)
    assert commands.told == [("remote_stop", (number,))]
    await operation.tell(operation.stopped(number, 1500, uid="test-1", reason="Remote"))
    await operation.endpoints.owed.settled()

    (session,) = await operation.sessions()
    assert session["status"] == "COMPLETED"
    assert await operation.cdrs() == []
    assert [each for each in hub.asked if each.operation.module in ("sessions", "cdrs")] == []
    assert await operation.cases() == []


async def test_a_test_token_of_2_0_1_is_one_too(operation):
    card = IdToken(id_token="TEST-1", type="Central")

    answer = await operation.tell(operation.told("Started", 0, 1000, id_token=card))

    assert answer.token.status == "Accepted"
