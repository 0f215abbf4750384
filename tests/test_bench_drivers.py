"""The drivers of the benchmark: those laid in bulk are drivers like any other, and what they do is fixed beforehand."""

from collections import Counter

from bench.drivers import bearer, lay_drivers
from bench.places import lay
from bench.provider import PARTY
from bench.riders import Riders
from hub.database.contract import Database
from hub.emsp.drivers.logins import Logins
from hub.emsp.drivers.tokens import Tokens
from hub.emsp.money.ledger import Ledger
from hub.emsp.money.wallet import Wallets
from hub.emsp.search.finding import Finder
from hub.emsp.search.geometry import Point
from hub.emsp.search.queries import Query, Wishes
from hub.emsp.store import Store
from hub.ocpi.times import utc_now


async def test_a_laid_driver_is_logged_in_and_has_a_token_and_money(store: str, database: Database) -> None:
    provider = Store(database, PARTY)

    await lay_drivers(store, provider, 3)

    driver = await Logins(database, utc_now).principal(bearer(2))
    assert driver is not None
    token = await Tokens(provider, utc_now, issuer="emall").app_token(driver.id)
    assert token is not None
    assert await provider.token(token.uid, token.type) is not None
    assert (await Wallets(database, Ledger(database)).of(driver.id, "EUR")).available.minor > 0
    assert await Logins(database, utc_now).principal(bearer(3)) is None


async def test_laid_evses_are_found_with_their_prices(store: str, database: Database) -> None:
    provider = Store(database, PARTY)

    await lay(store, provider, 2_000)

    finder = Finder(provider, provider.index, clock=utc_now)
    answer = await finder.find(Query(near=Point(48, 8), radius=1_000_000, wishes=Wishes(available=True)))
    assert len(answer.found) == 20
    assert all(each.place.available and each.price is not None for each in answer.found)


def test_what_drivers_do_is_fixed_beforehand_and_mixed_as_it_should_be() -> None:
    plan, again = (list(Riders(1, 1_000, 4_000)._plan(40, 100)) for _ in range(2))

    assert [each[0] for each in plan] == [each[0] for each in again]
    shares = Counter(path.partition("?")[0] for _, _, path, _ in plan)
    assert 3_600 < len(plan) < 4_400
    assert 0.88 < shares["/search"] / len(plan) < 0.92
    assert 0.06 < shares["/bookings"] / len(plan) < 0.10
    bodies = [body for _, _, _, body in plan if body is not None]
    assert len(set(bodies)) == len(bodies)
