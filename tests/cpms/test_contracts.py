"""Contract certificates: their responders are asked over the guarded wire, and what was revoked does not charge."""

import base64
import datetime
import hashlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import NameOID

from adapters.contracts.forwarder import ForwardedPool
from hub.cpms.contracts import Contracts
from hub.ocpi.wire import Wire
from hub.ocpp.events import IdToken, TokenPresented
from tests.clocks import ManualClock
from tests.cpms.operating import Operation
from tests.rooms import token
from tests.serving import LoopServer

DAY = datetime.timedelta(days=1)
STATUSES = {"good": ocsp.OCSPCertStatus.GOOD, "revoked": ocsp.OCSPCertStatus.REVOKED}


class Authority:
    """A certificate authority that is its own responder, with one contract certificate."""

    def __init__(self, clock, key=None):
        self.clock = clock
        self.key = key or ec.generate_private_key(ec.SECP256R1())
        self.root = self.certificate("root", self.key, self.key, "root")
        self.contract = self.certificate("EMAID", ec.generate_private_key(ec.SECP256R1()), self.key, "root")
        self.status, self.signer, self.brings, self.asked = "good", self.key, True, 0
        self.about, self.answer = self.contract, None

    def certificate(self, name, key, signer, issuer):
        named = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, each)]) for each in (name, issuer)]
        now = self.clock.now()
        made = x509.CertificateBuilder().subject_name(named[0]).issuer_name(named[1]).public_key(key.public_key())
        made = made.serial_number(x509.random_serial_number()).not_valid_before(now - DAY).not_valid_after(now + DAY)
        return made.sign(signer, hashes.SHA256())

    def pem(self, *certificates):
        return "".join(each.public_bytes(serialization.Encoding.PEM).decode() for each in certificates)

    def hash(self, url):
        key = self.root.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        return {
            "hashAlgorithm": "SHA256", "issuerNameHash": hashlib.sha256(self.root.subject.public_bytes()).hexdigest(),
            "issuerKeyHash": hashlib.sha256(key).hexdigest(), "serialNumber": f"{self.contract.serial_number:X}",
            "responderURL": url,
        }  # fmt: skip

    def response(self):
        now = self.clock.now()
        revoked = self.status == "revoked"
        made = ocsp.OCSPResponseBuilder().add_response(
            cert=self.about, issuer=self.root, algorithm=hashes.SHA256(), cert_status=STATUSES[self.status],
            this_update=now, next_update=now + DAY / 24, revocation_time=now if revoked else None,
            revocation_reason=None,
        ).responder_id(ocsp.OCSPResponderEncoding.NAME, self.root)  # fmt: skip
        made = made.certificates([self.root]) if self.brings else made
        return made.sign(self.signer, hashes.SHA256()).public_bytes(serialization.Encoding.DER)

    async def serve(self, scope, receive, send):
        ocsp.load_der_ocsp_request((await receive())["body"])
        self.asked += 1
        body = self.response() if self.answer is None else self.answer
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})


class Scene:
    def __init__(self):
        self.clock = ManualClock()
        self.authority = Authority(self.clock)
        self.server = LoopServer(lambda *scope: self.authority.serve(*scope))
        self.wire = Wire(allow_private=True, max_answer=10_000)
        self.contracts = Contracts(self.wire, clock=self.clock.now)

    @property
    def about(self):
        return self.authority.hash(f"http://127.0.0.1:{self.server.port}/ocsp")

    async def status(self, chain=None):
        return await self.contracts.judge((self.about,), chain)


@pytest.fixture
async def scene():
    made = Scene()
    await made.server.start()
    yield made
    await made.wire.close()
    await made.server.stop()


async def test_a_responder_is_asked_and_its_answer_kept_until_its_next_update(scene):
    """M06."""
    first = await scene.contracts.certificate_status(scene.about)
    again = await scene.contracts.certificate_status(scene.about)
    asked = scene.authority.asked
    await scene.clock.advance(3601)
    await scene.contracts.certificate_status(scene.about)

    read = ocsp.load_der_ocsp_response(base64.b64decode(first))
    assert read.serial_number == scene.authority.contract.serial_number
    assert (again, asked, scene.authority.asked) == (first, 1, 2)


@pytest.mark.parametrize(("status", "said"), [("good", "Accepted"), ("revoked", "CertificateRevoked")])
async def test_what_the_responder_says_is_said(scene, status, said):
    """C07."""
    scene.authority.status = status

    assert await scene.status() == said


@pytest.mark.parametrize("what", ["stranger's key", "another certificate", "broken", "old", "no hash", "nowhere"])
async def test_what_no_responder_vouches_for_is_not_accepted(scene, what):
    authority, about = scene.authority, scene.about
    if what == "stranger's key":
        authority.signer = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    elif what == "another certificate":
        authority.about = authority.root
    elif what == "broken":
        authority.answer = b"0"
    elif what == "old":
        authority.answer = authority.response()
        await scene.clock.advance(3601)
    elif what == "no hash":
        about |= {"issuerKeyHash": "xyz"}
    else:
        about |= {"responderURL": "ftp://nowhere"}

    assert await scene.contracts.judge((about,), None) == "NoCertificateAvailable"
    assert await scene.contracts.certificate_status(about) is None


async def test_a_responder_that_is_busy_says_nothing(scene):
    busy = ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER)
    scene.authority.answer = busy.public_bytes(serialization.Encoding.DER)

    assert await scene.status() == "NoCertificateAvailable"


async def test_a_responder_that_brings_no_certificate_is_left_to_whoever_reads_it(scene):
    scene.authority.brings = False

    assert await scene.status() == "Accepted"


async def test_a_responder_in_a_private_network_is_not_called(scene):
    """The URL is a stranger's."""
    guarded = Wire(allow_private=False, max_answer=10_000)
    contracts = Contracts(guarded, clock=scene.clock.now)

    assert await contracts.certificate_status(scene.about) is None
    assert scene.authority.asked == 0
    await guarded.close()


async def test_a_chain_is_judged_in_itself(scene):
    authority = scene.authority
    other = Authority(scene.clock)
    named = authority.certificate("elsewhere", authority.key, authority.key, "elsewhere")

    assert await scene.status(authority.pem(authority.contract, authority.root)) == "Accepted"
    assert await scene.status(authority.pem(authority.contract, other.root)) == "SignatureError"
    assert await scene.status(authority.pem(authority.contract, named)) == "CertChainError"
    assert await scene.status("no certificate") == "CertChainError"
    assert await scene.contracts.judge((), authority.pem(authority.contract)) == "CertChainError"
    await scene.clock.advance(2 * 86400)
    assert await scene.status(authority.pem(authority.contract)) == "CertificateExpired"


async def test_a_revoked_contract_does_not_charge(scene, hub, database, clock):
    operation = Operation(hub, database, clock, contracts=scene.contracts.judge)
    await operation.start()
    await operation.know(token(uid="DEABCC12345", type="EMAID"))
    presented = TokenPresented(
        station_id="ST1", id_token=IdToken(id_token="DEABCC12345", type="eMAID"), certificate_hashes=(scene.about,)
    )

    good = await operation.operator.token_presented(presented)
    scene.authority.status = "revoked"
    await scene.clock.advance(3601)
    revoked = await operation.operator.token_presented(presented)
    await operation.stop()

    assert (good.status, good.certificate_status) == ("Accepted", "Accepted")
    assert (revoked.status, revoked.certificate_status) == ("Invalid", "CertificateRevoked")


async def test_a_cars_request_is_forwarded_to_the_pool_an_operator_brings(scene):
    """M01: exiRequest in, exiResponse out."""
    answers, heard = [b'{"exiResponse": "AAAA"}', b"{}"], []

    async def pool(scope, receive, send):
        heard.append((dict(scope["headers"])[b"x-station-id"], (await receive())["body"]))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": answers.pop(0)})

    server = LoopServer(lambda *scope: pool(*scope))
    await server.start()
    brought = Contracts(scene.wire, pool=ForwardedPool(f"http://127.0.0.1:{server.port}/"), clock=scene.clock.now)
    request = {"iso15118SchemaVersion": "x", "action": "Install", "exiRequest": "BBBB"}

    said = [await brought.ev_certificate("ST1", request) for _ in range(2)]
    await brought.close()
    await server.stop()

    assert said == ["AAAA", None]
    assert heard[0][0] == b"ST1" and b'"exiRequest":"BBBB"' in heard[0][1].replace(b" ", b"")
    assert await scene.contracts.ev_certificate("ST1", request) is None
    await scene.contracts.close()
