"""The channels against real ones on loopback: an SMTP server, and a push service that decrypts as a browser does."""

import base64
import datetime
import email
import json
import re
import struct
from email import policy

import pytest
from aiosmtpd.controller import Controller
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from adapters.mail.folder import FolderMailer
from adapters.mail.smtp import SmtpMailer
from adapters.notifications.mail import MailChannel
from adapters.notifications.pushcrypto import LONGEST, base64url, encrypt, from_base64url, key_of, point
from adapters.notifications.sms import SmsChannel
from adapters.notifications.webpush import WebPushChannel
from adapters.sms.simulator import SimulatedSms
from hub.emsp.companion.needs import Message, NotTaken, Refused, TargetGone
from hub.ocpi.wire import Wire
from tests.clocks import ManualClock
from tests.serving import LoopServer

CLOCK = ManualClock()


def message(to="anna@example.org", **changes):
    return Message(
        **({
            "key": "end/1", "to": to, "subject": "Your charge has ended", "text": "At Häfen.\n.\nMove your car.",
            "until": CLOCK.now() + datetime.timedelta(hours=1), "data": {"event": "CHARGE_ENDED", "id": 7},
        } | changes)
    )  # fmt: skip


class Sink:
    """An SMTP server that keeps letters, and answers as it is told."""

    def __init__(self):
        self.letters = []
        self.recipient = "250 OK"
        self.data = "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        if self.recipient.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.recipient

    async def handle_DATA(self, server, session, envelope):
        self.letters.append(email.message_from_bytes(envelope.content, policy=policy.default))
        return self.data


@pytest.fixture
def sink(unused_tcp_port):
    handler = Sink()
    controller = Controller(handler, hostname="127.0.0.1", port=unused_tcp_port)
    controller.start()
    handler.mailer = SmtpMailer(host="127.0.0.1", port=unused_tcp_port, sender="emall <hello@emsp.test>")
    handler.channel = MailChannel(handler.mailer)
    yield handler
    controller.stop()


async def test_a_letter_arrives_as_it_was_written(sink):
    await sink.channel.send(message())

    (letter,) = sink.letters
    assert letter["To"] == "anna@example.org"
    assert letter["Subject"] == "Your charge has ended"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter.get_content().splitlines() == ["At Häfen.", ".", "Move your car."]


async def test_the_same_letter_has_the_same_message_id(sink):
    await sink.channel.send(message())
    await sink.channel.send(message())
    await sink.channel.send(message(key="end/2"))

    one, same, other = (letter["Message-ID"] for letter in sink.letters)
    assert one == same != other
    assert re.fullmatch(r"<[0-9a-f]{32}@emsp.test>", one)


@pytest.mark.parametrize(
    ("recipient", "data", "raised"),
    [
        ("550 no such user", "250 OK", TargetGone),
        ("450 busy", "250 OK", NotTaken),
        ("250 OK", "554 no thanks", Refused),
        ("250 OK", "451 later", NotTaken),
    ],
)
async def test_what_the_server_says_decides_whether_it_is_tried_again(sink, recipient, data, raised):
    sink.recipient, sink.data = recipient, data

    with pytest.raises(raised) as refused:
        await sink.channel.send(message())

    assert type(refused.value) is raised


async def test_a_server_that_is_away_took_nothing(unused_tcp_port):
    channel = MailChannel(SmtpMailer(host="127.0.0.1", port=unused_tcp_port, sender="hello@emsp.test"))

    with pytest.raises(NotTaken):
        await channel.send(message())


async def test_without_a_server_a_letter_is_a_file(tmp_path):
    await MailChannel(FolderMailer(tmp_path, "emall <hello@emsp.test>")).send(message())

    (file,) = tmp_path.glob("*.eml")
    letter = email.message_from_bytes(file.read_bytes(), policy=policy.default)
    assert (letter["To"], letter["Subject"]) == ("anna@example.org", "Your charge has ended")


async def test_a_link_in_a_letter_that_is_a_file_stays_whole(tmp_path):
    link = "https://emall.example/sign-up?token=" + "a" * 90
    await MailChannel(FolderMailer(tmp_path)).send(message(text=f"Grüße aus Häfen:\n{link}\n"))

    (file,) = tmp_path.glob("*.eml")
    assert link in file.read_text(encoding="utf-8").splitlines()
    assert "Grüße aus Häfen:" in file.read_text(encoding="utf-8")


async def test_a_short_message_is_cut_to_what_a_phone_shows():
    gateway = SimulatedSms()

    await SmsChannel(gateway).send(message("+31600000001", text="x" * 1000))

    ((phone, text),) = gateway.sent
    assert (phone, len(text), text[-1]) == ("+31600000001", 459, "…")


class Away:
    async def send(self, phone, text):
        raise OSError("no carrier")


async def test_a_gateway_that_is_away_took_nothing():
    with pytest.raises(NotTaken, match="no carrier"):
        await SmsChannel(Away()).send(message("+31600000001"))


# -- web push --------------------------------------------------------------------------------------


def test_a_push_message_is_encrypted_as_the_standard_shows_it():
    """RFC 8291, appendix A."""
    key = ec.derive_private_key(
        int.from_bytes(from_base64url("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"), "big"), ec.SECP256R1()
    )

    made = encrypt(
        b"When I grow up, I want to be a watermelon",
        receiver=from_base64url(
            "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
        ),
        auth=from_base64url("BTBZMqHH6r4Tts7J_aSIgg"),
        key=key,
        salt=from_base64url("DGv6ra1nlYgDCS1FRnbzlw"),
    )

    assert base64url(made) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A"
        "_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


class Browser:
    """A browser and its push service: keeps what comes, and reads it with its own key."""

    def __init__(self):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.auth = b"0123456789abcdef"
        self.status = 201
        self.asked = []
        self.origin = ""
        self.app = Starlette(routes=[Route("/push/1", self._take, methods=["POST"])])

    async def _take(self, request):
        self.asked.append((request.headers, await request.body()))
        return Response(status_code=self.status)

    @property
    def subscription(self):
        keys = {"p256dh": base64url(point(self.key.public_key())), "auth": base64url(self.auth)}
        return json.dumps({"endpoint": f"{self.origin}/push/1", "keys": keys})

    def read(self):
        """Return what came last, decrypted (RFC 8291, 3.4; RFC 8188, 2.2)."""
        _, body = self.asked[-1]
        salt, (_, length), rest = body[:16], struct.unpack("!IB", body[16:21]), body[21:]
        sender, sealed = rest[:length], rest[length:]
        shared = self.key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender))
        info = b"WebPush: info\0" + point(self.key.public_key()) + sender
        secret = HKDF(hashes.SHA256(), 32, self.auth, info).derive(shared)
        key = HKDF(hashes.SHA256(), 16, salt, b"Content-Encoding: aes128gcm\0").derive(secret)
        nonce = HKDF(hashes.SHA256(), 12, salt, b"Content-Encoding: nonce\0").derive(secret)
        text = AESGCM(key).decrypt(nonce, sealed, None)
        assert text[-1] == 2
        return json.loads(text[:-1])


@pytest.fixture
async def browser():
    made = Browser()
    server = LoopServer(made.app)
    made.origin = f"http://127.0.0.1:{await server.start()}"
    yield made
    await server.stop()


@pytest.fixture
async def channel():
    wire = Wire(allow_private=True, max_answer=100_000)
    key = ec.generate_private_key(ec.SECP256R1())
    made = WebPushChannel(wire, key, subject="mailto:hello@emsp.test", clock=CLOCK)
    made.key = key
    yield made
    await wire.close()


async def test_a_browser_reads_what_was_pushed(channel, browser):
    await channel.send(message(browser.subscription))

    headers, _ = browser.asked[-1]
    assert browser.read() == {
        "title": "Your charge has ended", "body": "At Häfen.\n.\nMove your car.", "event": "CHARGE_ENDED", "id": 7
    }  # fmt: skip
    assert (headers["ttl"], headers["content-encoding"]) == ("3600", "aes128gcm")
    assert len(headers["topic"]) == 32


async def test_the_push_service_can_tell_who_sends(channel, browser):
    await channel.send(message(browser.subscription))

    scheme, _, rest = browser.asked[-1][0]["authorization"].partition(" ")
    token, key = (part.partition("=")[2] for part in rest.split(", "))
    signed, _, signature = token.rpartition(".")
    raw = from_base64url(signature)
    der = utils.encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    channel.key.public_key().verify(der, signed.encode(), ec.ECDSA(hashes.SHA256()))
    claims = json.loads(base64.urlsafe_b64decode(signed.partition(".")[2] + "=="))
    assert (scheme, key, claims["aud"]) == ("vapid", channel.public_key, browser.origin)
    assert 0 < claims["exp"] - CLOCK.now().timestamp() <= 24 * 3600


async def test_a_text_too_long_for_a_push_is_cut(channel, browser):
    await channel.send(message(browser.subscription, text="ä€" * 5000))

    read = browser.read()
    assert read["body"].endswith("…")
    assert LONGEST / 2 < len(json.dumps(read, ensure_ascii=False).encode()) <= LONGEST


@pytest.mark.parametrize(
    ("status", "raised"), [(410, TargetGone), (404, TargetGone), (429, NotTaken), (503, NotTaken), (413, Refused)]
)
async def test_what_the_push_service_says_decides_whether_it_is_tried_again(channel, browser, status, raised):
    browser.status = status

    with pytest.raises(raised) as refused:
        await channel.send(message(browser.subscription))

    assert type(refused.value) is raised


async def test_a_push_never_goes_where_the_house_would_not_go(browser):
    guarded = Wire(allow_private=False, max_answer=1000)
    key = ec.generate_private_key(ec.SECP256R1())

    with pytest.raises(NotTaken, match="loopback"):
        await WebPushChannel(guarded, key, subject="mailto:a@b.test", clock=CLOCK).send(message(browser.subscription))

    await guarded.close()
    assert browser.asked == []


def test_what_is_too_long_is_refused_before_it_is_encrypted():
    with pytest.raises(ValueError, match="at most"):
        encrypt(b"x" * (LONGEST + 1), receiver=b"", auth=b"")


def test_the_same_secret_is_the_same_key_so_that_subscriptions_outlive_restarts():
    one, same, other = (point(key_of(seed).public_key()) for seed in (b"\1" * 32, b"\1" * 32, b"\xff" * 32))

    assert one == same != other
