"""A desk of drivers on both stores, with a mailer that keeps its letters and a clock that stands still."""

import re
from decimal import Decimal

import pytest
from argon2 import PasswordHasher

from hub.api.passwords import Passwords
from hub.api.problems import Problem
from hub.emsp.drivers.desk import Desk
from hub.emsp.drivers.forms import Person, SignUp, VehicleForm
from hub.emsp.drivers.logins import Device
from hub.emsp.endpoints import EmspEndpoints
from hub.emsp.mail import MailUnavailable
from tests.clocks import ManualClock
from tests.rooms import EMSP, HUB, FakeHub, url_of

PASSWORD = "correct horse battery"
DEVICE = Device(address="192.0.2.1", agent="test")

#: The cheapest argon2id there is: what is tested here is who may log in, not how long guessing takes.
CHEAP = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


class Mailbox:
    """Keeps letters; refuses them while it is shut."""

    def __init__(self):
        self.letters = []
        self.shut = False

    async def send(self, letter):
        if self.shut:
            raise MailUnavailable("shut")
        self.letters.append(letter)

    def link(self):
        """Return the token in the last letter."""
        return re.search(r"https://app\.test/\w+\?token=(\S+)", self.letters[-1].text)[1]


class Purse:
    """Credit that is what a test says."""

    def __init__(self):
        self.said = None

    async def refusal(self, driver_id, cpo):
        return self.said


def person(**changes):
    plain = {
        "name": "Ada", "surname": "Lovelace", "birth_date": "1985-12-10", "email": "ada@example.org",
        "password": PASSWORD, "password_again": PASSWORD,
    }  # fmt: skip
    return Person(**plain | changes)


def vehicle(plate="AB 123 CD", **changes):
    plain = {"plate": plate, "plate_country": "IT", "model_id": "renault-zoe-r135"}
    return VehicleForm(**plain | changes)


def typed(plate="AB 123 CD", **changes):
    plain = {"plate": plate, "plate_country": "IT", "name": "Kit car", "battery_kwh": Decimal("21.5"),
             "connectors": ["IEC_62196_T2"]}  # fmt: skip
    return VehicleForm(**plain | changes)


def form(**changes):
    return SignUp(person=changes.pop("person", person()), vehicle=changes.pop("vehicle", vehicle()))


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def mailbox():
    return Mailbox()


@pytest.fixture
def purse():
    return Purse()


@pytest.fixture
def hub():
    return FakeHub()


@pytest.fixture
async def emsp(hub, database):
    made = EmspEndpoints(
        party=EMSP, hub_party=HUB, hub=hub, call_url=hub.call_url, url_of=url_of, database=database
    )  # fmt: skip
    await made.start()
    await made.pulling.settled()
    hub.asked.clear()
    yield made
    await made.stop()


def desk_of(emsp, mailbox, purse, clock, **changes):
    made = Desk(
        emsp.store, mailer=mailbox, link_of=lambda purpose, token: f"https://app.test/{purpose}?token={token}",
        issuer="emall", credit=purse, passwords=CHEAP, now=clock.now, **changes,
    )  # fmt: skip
    emsp.judge = made.judge.judge
    return made


@pytest.fixture
def desk(emsp, mailbox, purse, clock):
    return desk_of(emsp, mailbox, purse, clock)


async def joined(desk, mailbox, **changes):
    """Return a driver who signed up and followed his link."""
    await desk.signing_up.sign_up(form(**changes))
    return await desk.signing_up.confirm(mailbox.link())


@pytest.fixture
async def ada(desk, mailbox):
    return await joined(desk, mailbox)


async def faults_of(awaited):
    """Return the faults something is refused for, by path."""
    with pytest.raises(Problem) as refused:
        await awaited
    return {each.path: each.rule for each in refused.value.faults}
