"""What other rooms ask about a driver's money."""

from tests.emsp.money.conftest import eur


async def test_a_driver_without_a_method_or_a_wallet_may_not_begin(desk):
    """X-12, X-59: NO_CREDIT."""
    assert "save one" in await desk.till.purse.refusal("anna", "NL-CPO")


async def test_a_method_that_can_be_charged_is_enough(desk):
    await desk.save("sim_refused")
    refused = await desk.till.purse.refusal("anna", "NL-CPO")

    await desk.save("sim_ok")

    assert refused is not None
    assert await desk.till.purse.refusal("anna", "NL-CPO") is None


async def test_a_wallet_needs_the_minimum_where_one_is_set(desk):
    """SGEM-4.3-04."""
    await desk.filled("4")
    without = await desk.till.purse.refusal("anna", "NL-CPO")

    desk.another(minimum={"EUR": 500})

    assert without is None
    assert "top it up" in await desk.till.purse.refusal("anna", "NL-CPO")


async def test_a_debt_that_could_not_be_collected_is_a_refusal(desk):
    """X-23."""
    await desk.save("sim_decline")
    await desk.charged()
    await desk.work()
    await desk.save("sim_decline")

    assert "is not paid" in await desk.till.purse.refusal("anna", "NL-CPO")


async def test_a_driver_gets_all_that_is_kept_of_him_and_an_erased_one_leaves_books_without_a_name(desk):
    await desk.save()
    await desk.till.secure("anna", "REF", eur("25"))
    await desk.charged()
    await desk.work()
    before = await desk.balances()

    name, told = await desk.till.purse.recall("anna")
    await desk.database.transact(lambda tx: desk.till.purse.forget(tx, "anna"))

    assert (name, told["receipts"][0]["gross"]) == ("money", "10.29")
    assert await desk.till.methods.of("anna") == []
    assert await desk.balances() == before
