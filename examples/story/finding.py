"""Chapter of the app: a driver finds a charger over the eMSP's API, which knows what the hub told it."""

from typing import Any

from examples import city
from examples.stage import CPMS, JSON, SAMPLE_CPO, Stage, check, held, until


def find_chargers(stage: Stage) -> None:
    """Search at the eMSP: everything the hub told it, with distance, price and how old the news is."""
    key = stage.emall("emsp", "key", "create", "--name", "app", "--scope", "chargers:read")["key"]
    at = city.internal_locations()[0]["coordinates"]
    asked = {"near": f"{at['latitude']},{at['longitude']}", "available": "true", "limit": "100", "kwh": "20"}

    def search(**more: Any) -> JSON:
        headers = {"Authorization": f"Bearer {key}"}
        answer = stage.http.get(f"{stage.hub_url}/emsp/api/v1/search", params=asked | more, headers=headers)
        return answer.raise_for_status().json()

    owners = until(lambda: {CPMS, SAMPLE_CPO} <= {each["owner"] for each in search()["items"]}, "both are found")
    check(bool(owners), f"free chargers of {CPMS} and of {SAMPLE_CPO} are found the same way")
    nearest = search(sort="price")["items"][0]
    price = nearest["price"]
    held(
        f"20 kWh are cheapest at {nearest['owner']} {nearest['location_id']}, {nearest['metres']} m away:"
        f" {price['amount']} {price['currency']} in {nearest['hours']} h"
    )
    seen = search(standards="CHADEMO", least_power="900000")
    check(not seen["items"], "a wish nobody can fulfil, 900 kW for CHAdeMO, finds none")


STEPS = [("A driver's app finds chargers, ours and the sample CPO's, over the eMSP's API", find_chargers)]
