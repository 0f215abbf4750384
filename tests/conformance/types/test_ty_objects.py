"""Every object of the functional modules through the hub: whole, least, as the specification shows it, and relayed.

Source: OCPI 2.2.1 and 2.3.0, the object tables; transport_and_format.asciidoc, Timestamps and Objects send via Hubs.
"""

import pytest

from tests.conformance.types.bodies import BODIES, letter, same
from tests.conformance.types.conftest import Pair

VERSIONS = ("2.2.1", "2.3.0")


@pytest.mark.parametrize("size", ["minimal", "full"])
@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.checklist("TY-01", "TY-08")
async def test_each_body_with_required_fields_only_and_with_all_arrives_as_it_was_sent(
    version: str, name: str, size: str, pairs: dict[str, Pair]
) -> None:
    sent = letter(name, size, pairs[version])

    answer, came = await sent.send()

    assert (answer.status // 100, answer.code) == (2, 1000), answer.message
    assert came is not None
    assert same(sent.body, came.json)
