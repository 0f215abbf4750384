"""What a transaction costs, told to its station so far and in the end; taxes included.

The Tariff of these tests is 0.50 a session and 0.40 a kWh, at 20 %.

Source: OCPP 2.0.1, part 2, I02, I03.
"""

from decimal import Decimal

from hub.cpms.builtin import Rules
from hub.cpms.watching import Limits
from hub.ocpp.events import CallRefused, IdToken, Variable
from tests.cpms.operating import Operation
from tests.rooms import tariff, token

CARD = IdToken(id_token="CARD-1")


async def test_a_station_of_2_0_1_is_told_what_its_transaction_costs_so_far_and_in_the_end(operation):
    first = await operation.tell(operation.told("Started", 0, 1000, id_token=CARD))
    await operation.later(900)

    running = await operation.tell(operation.told("Updated", 1, 4000, charging_state="Charging"))
    await operation.later(900)
    silent = await operation.tell(operation.told("Updated", 2, charging_state="SuspendedEV"))
    end = operation.told("Ended", 3, 7000, id_token=CARD)
    final = [(await operation.tell(end)).total_cost for _ in range(2)]

    (cdr,) = await operation.cdrs()
    assert (first.total_cost, running.total_cost, silent.total_cost) == (None, Decimal("2.04"), Decimal("2.04"))
    assert final == [Decimal("3.48")] * 2
    total = cdr["total_cost"]
    assert total["before_taxes"] + sum(each["amount"] for each in total["taxes"]) == Decimal("3.48")


async def test_what_nobody_may_be_billed_for_has_no_cost(operation):
    await operation.know(token(valid=False))
    await operation.tell(operation.told("Started", 0, 1000, id_token=CARD))

    answer = await operation.tell(operation.told("Updated", 1, 4000))

    assert answer.total_cost is None


async def test_time_costs_while_the_meter_stands_still(hub, database, clock):
    hourly = tariff(elements=[{"price_components": [{"type": "TIME", "price": 3, "vat": 0, "step_size": 1}]}])
    operation = await Operation(hub, database, clock).start()
    await operation.endpoints.orders()["cpms.import"]({"kind": "tariffs", "objects": [hourly]})
    await operation.know(token())
    await operation.tell(operation.told("Started", 0, 1000, id_token=CARD))
    await operation.later(1200)

    answer = await operation.tell(operation.told("Updated", 1, charging_state="Charging"))

    assert answer.total_cost == 1
    await operation.stop()


async def test_a_test_session_costs_nothing(hub, database, clock):
    operation = await Operation(hub, database, clock, Rules(test_tokens=frozenset({"CARD-1"}))).start()
    await operation.tell(operation.told("Started", 0, 1000, id_token=CARD))

    running = await operation.tell(operation.told("Updated", 1, 1500))
    final = await operation.tell(operation.told("Ended", 2, 2000))

    assert (running.total_cost, final.total_cost) == (0, 0)
    await operation.stop()


# -- CostUpdated -----------------------------------------------------------------------------------


async def shows(operation, value="true"):
    """Have a station that shows costs, or does not, charge."""
    commands = operation.chargers.connect("ST1", "2.0.1")
    commands.version = "2.0.1"
    commands.variables = [Variable(name="Enabled", value=value, component="TariffCostCtrlr", instance="Cost")]
    await operation.tell(operation.told("Started", 0, 1000, id_token=CARD))
    await operation.tell(operation.told("Updated", 1, 4000))
    return commands


async def test_a_station_that_shows_costs_is_told_them_while_it_tells_nothing(operation):
    commands = await shows(operation)

    await operation.later(120)

    assert commands.told == [("cost_updated", ("T1", Decimal("2.04")))] * 2


async def test_a_station_that_was_answered_with_the_cost_is_not_told_it_again(operation):
    commands = await shows(operation)
    for seq_no in range(2, 6):
        await operation.later(50)
        await operation.tell(operation.told("Updated", seq_no, 4000))

    assert commands.told == []


async def test_a_station_that_shows_no_costs_is_told_none(operation):
    commands = await shows(operation, value="false")

    await operation.later(120)

    assert commands.told == []


async def test_a_station_that_refuses_a_cost_goes_on_charging(operation):
    commands = await shows(operation)
    commands.answers["cost_updated"] = CallRefused("NotSupported")

    await operation.later(120)
    await operation.tell(operation.told("Ended", 2, 4000, id_token=CARD))

    assert await operation.billed() == [3]


async def test_a_station_that_does_not_say_whether_it_shows_costs_is_asked_once(operation):
    commands = await shows(operation)
    asked = []

    async def refuse(variables):
        asked.append(variables)
        raise CallRefused("NotImplemented")

    commands.get_variables = refuse

    await operation.later(180)

    assert (len(asked), commands.told) == (1, [])


async def test_an_operator_may_have_costs_told_in_answers_only(hub, database, clock):
    operation = await Operation(hub, database, clock, Rules(limits=Limits(cost=0))).start()
    await operation.know(token())
    commands = await shows(operation)

    await operation.later(120)

    assert commands.told == []
    await operation.stop()
