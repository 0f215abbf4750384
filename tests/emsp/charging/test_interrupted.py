"""A charge that its station interrupts: what its driver reads."""

from hub.emsp.charging.notices import of_driver
from tests.emsp.charging.world import SPOT


async def test_a_driver_reads_that_the_station_ended_his_charge(road, desk):
    """X-65, SGEM-4.1-12: OCPI has no reason for the end of a Session, so none is claimed."""
    await desk.start("ada", SPOT)
    (order,) = road.commands("START")
    charge_id, reference = order.value["response_url"].rsplit("/", 1)[-1], order.value["authorization_reference"]
    await road.result(charge_id, "ACCEPTED")
    await road.session(reference=reference, kwh=1)

    await road.session("COMPLETED", reference=reference, kwh=2)

    last = (await of_driver(road.emsp.store.database, "ada"))[-1]
    assert (await road.charge(charge_id)).state == "ENDED"
    assert last.told.text == "Your charge has ended: 2.00 kWh. The car or the charge point ended it."
