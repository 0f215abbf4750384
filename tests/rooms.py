"""Our own parties in tests: objects they work with, and a hub that remembers what it is asked."""

import asyncio
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from hub.ocpi import codec
from hub.ocpi.errors import OcpiError
from hub.ocpi.interfaces import Operation
from hub.ocpi.messages import Body, Party, Request, Response

HUB, CPO, EMSP = Party("NL", "HUB"), Party("NL", "CPO"), Party("DE", "EMP")
NOW = "2026-01-01T00:00:00.000Z"


def token(**changes: Any) -> dict[str, Any]:
    return {
        "country_code": "DE", "party_id": "EMP", "uid": "CARD-1", "type": "RFID", "contract_id": "DE-EMP-C1",
        "issuer": "EMP", "valid": True, "whitelist": "ALLOWED", "last_updated": NOW,
    } | changes  # fmt: skip


def tariff(**changes: Any) -> dict[str, Any]:
    return {
        "country_code": "NL", "party_id": "CPO", "id": "T1", "currency": "EUR", "tax_included": "NO",
        "elements": [{"price_components": [
            {"type": "ENERGY", "price": Decimal("0.4"), "vat": 20, "step_size": 1},
            {"type": "FLAT", "price": Decimal("0.5"), "vat": 20, "step_size": 1},
        ]}],
        "last_updated": NOW,
    } | changes  # fmt: skip


def evse(uid: str = "EVSE1", **changes: Any) -> dict[str, Any]:
    return {
        "uid": uid, "evse_id": f"NL*CPO*E{uid}", "status": "AVAILABLE",
        "connectors": [{
            "id": "1", "standard": "IEC_62196_T2_COMBO", "format": "CABLE", "power_type": "DC", "max_voltage": 400,
            "max_amperage": 125, "tariff_ids": ["T1"], "last_updated": NOW,
        }],
        "last_updated": NOW,
    } | changes  # fmt: skip


def location(**changes: Any) -> dict[str, Any]:
    return {
        "country_code": "NL", "party_id": "CPO", "id": "LOC1", "publish": True, "name": "Harbour",
        "address": "Quay 1", "city": "Testford", "postal_code": "1234 AB", "country": "NLD",
        "coordinates": {"latitude": "52.373100", "longitude": "4.892200"}, "time_zone": "Europe/Amsterdam",
        "evses": [evse()], "last_updated": NOW,
    } | changes  # fmt: skip


class FakeHub:
    """A hub and everybody behind it: remembers requests, answers as told, 1000 by default."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.called: list[tuple[str, Request]] = []
        self.answers: dict[Operation, Callable[[Request], Response] | Response | OcpiError] = {}

    async def __call__(self, request: Request) -> Response:
        self.asked.append(request)
        return self._answer(request)

    async def call_url(self, url: str, request: Request) -> Response:
        """Stand for the exact URLs that peers gave."""
        self.called.append((url, request))
        return self._answer(request)

    def _answer(self, request: Request) -> Response:
        answer = self.answers.get(request.operation, Response())
        if callable(answer):
            answer = answer(request)
        if isinstance(answer, OcpiError):
            raise answer
        return answer

    def heard(self, operation: Operation) -> list[Request]:
        return [request for request in self.asked if request.operation is operation]

    def told(self) -> list[tuple[str, str | None]]:
        return [(str(request.operation), str(request.receiver)) for request in self.asked]


def url_of(request: Request) -> str:
    """Return the URL of an endpoint of the party under test."""
    operation = request.operation
    return f"https://party.test/ocpi/2.3.0/{operation.role.lower()}/{operation.module}{request.path}"


def ask(
    operation: Operation,
    value: Any = None,
    *,
    sender: Party | None = EMSP,
    query: str = "",
    **params: str,
) -> Request:
    """Return a request as the server would hand it to a platform."""
    body = None
    if value is not None:
        body = Body(operation.body, text=codec.encode(value), partial=operation.method == "PATCH")
    return Request(operation, sender, None, params, query=query, body=body)


def owned(value: Mapping[str, Any], **ids: str) -> dict[str, str]:
    """Return the URL parameters of a client-owned object."""
    return {"country_code": value["country_code"], "party_id": value["party_id"], **ids}


async def until(condition: Callable[[], Any], seconds: float = 5.0) -> Any:
    """Return the condition's first true value; fail if it stays false."""
    async with asyncio.timeout(seconds):
        while not (value := condition()):
            await asyncio.sleep(0.01)
    return value
