"""The shortest way through the hub: two platforms, a Location, a command."""

import json
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).parents[1] / "examples" / "2.2.1"


async def test_a_location_pushed_to_the_hub_arrives_as_it_was(join: Any) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP")
    _, country_code, party_id = cpo.roles[0]
    location = json.loads((EXAMPLES / "Location.full.json").read_text())
    location |= {"country_code": country_code, "party_id": party_id, "id": "LOC1"}

    answer = await cpo.put("locations", f"/{country_code}/{party_id}/LOC1", location, to="NL-HUB")
    (copy,) = await emsp.received(module="locations", method="PUT")

    assert (answer.status, answer.code, answer.sender) == (201, 1000, "NL-HUB")
    assert (copy.json, copy.sender, copy.receiver) == (location, "NL-HUB", emsp.party)
