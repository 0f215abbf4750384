"""Whoever asks for whatever at once, over the API: no half hour is two drivers', and nobody is at two places."""

import asyncio
import itertools

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.ocpi.modules import bookings
from hub.ocpi.times import date_time, moment
from tests.emsp.charging.world import HALF
from tests.emsp.driving.test_api import LATER, PLACE

_days = itertools.count()
#: Who wants which EVSE from which half hour on, for how many.
wishes = st.lists(
    st.tuples(st.sampled_from(["ada", "bob", "cy"]), st.integers(1, 2), st.integers(0, 5), st.integers(1, 4)),
    min_size=2, max_size=8,
)  # fmt: skip


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wanted=wishes)
async def test_no_half_hour_is_ever_two_drivers_whoever_asks_at_once(provider, wanted):
    """X-08: each refusal names why, and of all who wanted a half hour that was booked exactly one has it."""
    riders = {name: await provider.driver(f"{name} {next(_days)}", pays=None) for name in ("ada", "bob", "cy")}
    for number in (1, 2):
        await provider.offer(evse_uid=f"EVSE{number}")

    async def book(name, evse, first, count):
        start = LATER + first * HALF
        body = {
            "place": PLACE | {"evse_uid": f"EVSE{evse}"}, "starts_at": date_time(start),
            "ends_at": date_time(start + count * HALF),
        }  # fmt: skip
        return await riders[name].post("/bookings", body)

    answers = await asyncio.gather(*(book(*each) for each in wanted))

    made = [each.json() for each in answers if each.status_code == 201]
    held = [(each["place"]["evse_uid"], slot) for each in made for slot in slots(each)]
    engaged = [(each["driver_id"], slot) for each in made for slot in slots(each)]
    assert len(set(held)) == len(held)
    assert len(set(engaged)) == len(engaged)
    assert made
    assert {each.json()["code"] for each in answers if each.status_code != 201} <= {
        "SLOT_TAKEN", "BOOKED_ALREADY", "DRIVER_ENGAGED",
    }  # fmt: skip
    assert len(provider.hub.heard(bookings.post_booking)) == len(made)
    await gone(provider, made, riders)


def slots(booking):
    start, end = moment(booking["starts_at"]), moment(booking["ends_at"])
    return [start + number * HALF for number in range((end - start) // HALF)]


async def gone(provider, made, riders):
    """Cancel what was booked, for the next example."""
    by_id = {each.driver_id: each for each in riders.values()}
    for each in made:
        assert (await by_id[each["driver_id"]].ask("POST", f"/bookings/{each['id']}/cancel")).status_code == 200
    provider.hub.asked.clear()
