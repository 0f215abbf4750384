"""From a CDR that was kept to a charge that is billed, once: judged, booked, told; or contested.

The OCPI door keeps every CDR that is for us; this reads what was kept and not judged, so that nothing
is lost between the two, and does all that follows of one in one transaction.

Source: OCPI 2.3.0, mod_cdrs.asciidoc (Credit CDRs); SGEM-4.1-15, 4.1-17; X-56, X-72.
"""

import datetime
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from hub.database.contract import Database, DatabaseUnavailable, Transaction
from hub.emsp.money import ledger
from hub.emsp.money.amounts import Money, plain
from hub.emsp.money.charges import Charges
from hub.emsp.money.checking import Fault, Finding, Known, Tolerance, charging_begins, check, check_credit
from hub.emsp.money.collecting import Collecting
from hub.emsp.money.comparing import Tariffs
from hub.emsp.money.disputes import Dispute, Disputes
from hub.emsp.money.errors import NotDecidable
from hub.emsp.money.ledger import Ledger, entries
from hub.emsp.money.moments import micros
from hub.emsp.money.needs import Clock, Drivers, Event, Orders, Told
from hub.emsp.money.receipts import Receipt, Receipts, credit_of, for_cdr
from hub.emsp.money.refunds import Refunds
from hub.emsp.money.retail import RetailPrice, RetailPrices
from hub.emsp.money.securing import Securing
from hub.emsp.money.telling import Telling
from hub.emsp.money.told_tariffs import ToldTariffs
from hub.emsp.money.vat import NoVatRate
from hub.emsp.money.verdicts import Verdict, Verdicts, session_key, verdict_on
from hub.emsp.money.wallet import Wallets
from hub.emsp.store import Store
from hub.ocpi.messages import Party
from hub.ocpi.objects import JSONObject
from hub.ocpi.pricing import Unpriceable, taxes_of
from hub.ocpi.slots import zone_of
from hub.ocpi.times import date_time, moment

log = logging.getLogger(__name__)

#: When a CDR that could not be read is tried again.
_AGAIN = datetime.timedelta(minutes=10)


@dataclass(frozen=True, kw_only=True)
class Books:
    """What settling writes into."""

    ledger: Ledger
    charges: Charges
    securing: Securing
    collecting: Collecting
    wallets: Wallets
    refunds: Refunds
    receipts: Receipts
    disputes: Disputes
    verdicts: Verdicts
    telling: Telling
    tariffs: ToldTariffs


@dataclass(frozen=True)
class _Case:
    """A CDR with what is known of it.

    Attributes:
        session: name of the session it ends.
        order: what its charge was secured under.
    """

    cdr: JSONObject
    owner: Party
    known: Known
    session: str | None
    order: str | None

    @property
    def name(self) -> str:
        return f"{self.owner}/{self.cdr['id'].upper()}"


class Settling:
    """Judges and books CDRs."""

    def __init__(
        self,
        database: Database,
        store: Store,
        books: Books,
        *,
        drivers: Drivers,
        orders: Orders,
        prices: Callable[[], RetailPrices],
        tolerance: Callable[[], Tolerance],
        clock: Clock,
    ) -> None:
        self._database = database
        self._store = store
        self._books = books
        self._drivers = drivers
        self._orders = orders
        self._prices = prices
        self._tolerance = tolerance
        self._clock = clock
        self._unread: dict[int, datetime.datetime] = {}

    async def work(self) -> int:
        """Judge what was kept and not judged, and return how many there were."""
        judged, after = 0, 0
        while found := await self._books.verdicts.unjudged(after=after):
            for seq, owner, cdr in found:
                judged += await self._judged(seq, owner, cdr)
            after = found[-1][0]
        if after:
            self._books.verdicts.judged_up_to(min([after, *self._unread]))
        return judged

    async def _judged(self, seq: int, owner: Party, cdr: JSONObject) -> bool:
        """Judge a CDR; one that cannot be read must not keep the others from being billed, and stays unjudged."""
        now = self._clock.now()
        if self._unread.get(seq, now) > now:
            return False
        try:
            await self.judge(owner, cdr)
        except DatabaseUnavailable:
            raise
        except Exception:
            log.exception("CDR %s/%s was not judged", owner, cdr.get("id"))
            self._unread[seq] = now + _AGAIN
            return False
        self._unread.pop(seq, None)
        return True

    async def judge(self, owner: Party, cdr: JSONObject) -> None:
        """Book a CDR, or contest it; one that was judged changes nothing."""
        if cdr.get("credit"):
            await self._judge_credit(owner, cdr)
            return
        case = await self._case(owner, cdr)
        findings = check(cdr, case.known, self._tolerance())
        price = self._price(case, findings)
        if findings or price is None:
            await self._database.transact(lambda tx: self._contest(tx, case, findings))
            return
        await self._database.transact(lambda tx: self._book(tx, case, price, before=None))

    def _price(self, case: _Case, findings: list[Finding]) -> RetailPrice | None:
        try:
            return self._prices().of_cdr(case.cdr, case.known.zone)
        except NoVatRate as error:
            findings.append(Finding(Fault.VAT_UNKNOWN, "$.cdr_location.country", f"no VAT rate is known for {error}"))
        except Unpriceable as error:
            findings.append(Finding(Fault.UNPRICEABLE, "$.charging_periods", str(error)))
        return None

    async def _case(self, owner: Party, cdr: JSONObject) -> _Case:
        session_id = cdr.get("session_id")
        session = await self._store.sessions.get(owner, session_id) if session_id else None
        order = await self._orders.order_of(owner, cdr, session)
        charge = await self._books.charges.get(order) if order else None
        key = session_key(cdr, owner)
        billing = await self._books.verdicts.billing(key) if key else None
        driver_id = await self._drivers.driver_of(cdr["cdr_token"]["uid"])
        known = Known(
            driver_id=driver_id,
            session=session,
            ordered=charge is not None and charge.driver_id == driver_id,
            currency=charge.currency if charge is not None and charge.amount is None else None,
            billed_by=billing.cdr_id if billing is not None and billing.cdr_id != cdr["id"].upper() else None,
            zone=await self._zone(owner, cdr),
            now=self._clock.now(),
            told=await self._told(owner, cdr),
        )
        return _Case(cdr, owner, known, key, order)

    async def _told(self, owner: Party, cdr: JSONObject) -> tuple[Tariffs, ...]:
        """Return the Tariffs in force when a charge may have begun: clocks differ, and a message takes its time."""
        apart = self._tolerance().ahead
        ids = {each["id"].upper() for each in cdr.get("tariffs") or ()}
        late = await self._books.tariffs.at(owner, ids, charging_begins(cdr) + apart)
        early = await self._books.tariffs.at(owner, ids, moment(cdr["start_date_time"]) - apart)
        return {**late, **early}, late

    async def _zone(self, owner: Party, cdr: JSONObject) -> datetime.tzinfo:
        location = await self._store.locations.get(owner, cdr["cdr_location"]["id"])
        return zone_of(location or {})

    # -- booking -----------------------------------------------------------------------------------

    async def _book(self, tx: Transaction, case: _Case, price: RetailPrice, *, before: str | None) -> None:
        driver_id = case.known.driver_id
        assert driver_id is not None, "a CDR without a driver is contested"
        now = micros(self._clock.now())
        reference = await self._reference(tx, case, driver_id)
        verdict = replace(
            verdict_on(case.cdr, case.owner, "BOOKED", driver_id=driver_id),
            session=case.session,
            charge=reference,
            price=price.gross.minor,
        )
        if not await self._write(tx, verdict, before):
            return
        await self._book_entries(tx, case, price, driver_id, now)
        document = for_cdr(case.cdr, price, date_time(self._clock.now()))
        number = await self._books.receipts.give(
            tx, f"cdr/{case.name}", driver_id, document, price.gross, year=self._clock.now().year, at=now
        )
        await self._tell_billed(tx, case, price, driver_id, number)
        await self._books.collecting.bill(tx, driver_id, reference, price.gross, now=now)

    async def _write(self, tx: Transaction, verdict: Verdict, before: str | None) -> bool:
        if before is None:
            return await self._books.verdicts.add(tx, verdict)
        return await self._books.verdicts.change(tx, verdict, before)

    async def _reference(self, tx: Transaction, case: _Case, driver_id: str) -> str:
        """Return the charge that is billed: the one that was secured, if no other CDR has billed it."""
        charge = await self._books.charges.get_in(tx, case.order) if case.order else None
        if charge is not None and charge.driver_id == driver_id and charge.amount is None:
            return charge.reference
        return f"cdr/{case.name}"

    async def _book_entries(self, tx: Transaction, case: _Case, price: RetailPrice, driver_id: str, now: int) -> None:
        total, currency, debtor = case.cdr["total_cost"], case.cdr["currency"], ledger.driver(driver_id)
        moved = entries(
            (debtor, ledger.REVENUE, price.net),
            (debtor, ledger.vat(price.country), price.vat),
            (ledger.PURCHASES, ledger.cpo(str(case.owner)), Money(total["before_taxes"], currency).rounded),
            (ledger.INPUT_TAX, ledger.cpo(str(case.owner)), Money(taxes_of(total), currency).rounded),
        )
        await self._books.ledger.book(tx, f"cdr/{case.name}", moved, currency=currency, at=now, memo="charge")

    async def _tell_billed(self, tx: Transaction, case: _Case, price: RetailPrice, driver_id: str, number: str) -> None:
        cdr = case.cdr
        await self._books.telling.add(
            tx,
            Told(
                key=f"billed/{case.name}",
                event=Event.CHARGE_BILLED,
                driver_id=driver_id,
                text=f"You charged {plain(cdr['total_energy'])} kWh at {cdr['cdr_location']['address']},"
                f" {cdr['cdr_location']['city']}: {price.gross}. Receipt {number}.",
                data={
                    "receipt": number, "kwh": plain(cdr["total_energy"]), "amount": price.gross.text,
                    "currency": price.gross.currency, "start": cdr["start_date_time"], "end": cdr["end_date_time"],
                    "evse_id": cdr["cdr_location"]["evse_id"], "operator": str(case.owner), "cdr_id": cdr["id"],
                },
            ),
        )  # fmt: skip

    # -- contesting --------------------------------------------------------------------------------

    async def _contest(self, tx: Transaction, case: _Case, findings: Sequence[Finding]) -> None:
        now, driver_id = micros(self._clock.now()), case.known.driver_id
        verdict = verdict_on(case.cdr, case.owner, "DISPUTED", driver_id=driver_id)
        if not await self._books.verdicts.add(tx, verdict):
            return
        log.warning("CDR %s is not billed: %s", case.name, "; ".join(f"{each.path}: {each.text}" for each in findings))
        await self._books.disputes.open(
            tx, verdict.owner, verdict.cdr_id, findings, claimed=Money.of_minor(verdict.cost, verdict.currency),
            driver_id=driver_id, at=now,
        )  # fmt: skip
        if driver_id is not None and not case.cdr.get("credit"):
            await self._tell_disputed(tx, case, driver_id)

    async def _tell_disputed(self, tx: Transaction, case: _Case, driver_id: str) -> None:
        await self._books.telling.add(
            tx,
            Told(
                key=f"disputed/{case.name}",
                event=Event.CHARGE_DISPUTED,
                driver_id=driver_id,
                text="The operator's bill for your charge does not agree with what we know of it."
                " We ask about it; until then you pay nothing.",
                data={"cdr_id": case.cdr["id"], "operator": str(case.owner)},
            ),
        )

    async def accept(self, dispute: Dispute, note: str | None) -> None:
        """Book a contested CDR after all.

        Raises:
            NotDecidable: it is closed, or lacks what a bill needs.
        """
        cdr = await self._store.cdrs.get(Party.parse(dispute.owner), dispute.cdr_id)
        assert cdr is not None, "CDRs are kept for good"
        case = await self._case(Party.parse(dispute.owner), cdr)
        price = None if cdr.get("credit") else self._price(case, [])
        if price is None or case.known.driver_id is None or case.known.billed_by is not None:
            raise NotDecidable

        async def work(tx: Transaction) -> None:
            now = micros(self._clock.now())
            if not await self._books.disputes.decide(tx, dispute, "ACCEPTED", note=note, at=now):
                raise NotDecidable
            await self._book(tx, case, price, before="DISPUTED")

        await self._database.transact(work)

    async def reject(self, dispute: Dispute, note: str | None) -> None:
        """Have a contested CDR not paid by anybody.

        Raises:
            NotDecidable: it is closed.
        """
        owner = Party.parse(dispute.owner)
        cdr = await self._store.cdrs.get(owner, dispute.cdr_id)
        verdict = await self._books.verdicts.of(owner, dispute.cdr_id)
        assert verdict is not None and cdr is not None, "both were written with the dispute"
        case = await self._case(owner, cdr)

        async def work(tx: Transaction) -> None:
            now = micros(self._clock.now())
            if not await self._books.disputes.decide(tx, dispute, "REJECTED", note=note, at=now):
                raise NotDecidable
            await self._books.verdicts.change(tx, replace(verdict, verdict="REJECTED"), "DISPUTED")
            if case.order:
                await self._books.securing.release(tx, case.order, now=now)

        await self._database.transact(work)

    # -- credits -----------------------------------------------------------------------------------

    async def _judge_credit(self, owner: Party, cdr: JSONObject) -> None:
        wrong_id = cdr.get("credit_reference_id") or ""
        wrong = await self._store.cdrs.get(owner, wrong_id)
        verdict = await self._books.verdicts.of(owner, wrong_id)
        findings = check_credit(cdr, wrong, verdict.verdict if verdict else None)
        case = await self._case(owner, cdr)
        if findings or verdict is None:
            await self._database.transact(lambda tx: self._contest(tx, case, findings))
            return
        dispute = await self._books.disputes.about(str(owner), wrong_id)
        receipt = await self._books.receipts.for_subject(f"cdr/{verdict.owner}/{verdict.cdr_id}")
        await self._database.transact(lambda tx: self._credit(tx, case, verdict, dispute, receipt))

    async def _credit(
        self, tx: Transaction, case: _Case, wrong: Verdict, dispute: Dispute | None, receipt: Receipt | None
    ) -> None:
        now = micros(self._clock.now())
        made = replace(
            verdict_on(case.cdr, case.owner, "CREDIT", driver_id=wrong.driver_id),
            charge=wrong.charge,
            price=-wrong.price if wrong.verdict == "BOOKED" else 0,
        )
        taken_back = replace(wrong, verdict="CREDITED", session=None)
        if not await self._books.verdicts.add(tx, made):
            return
        if not await self._books.verdicts.change(tx, taken_back, wrong.verdict):
            raise RuntimeError(f"the verdict on {wrong.owner}/{wrong.cdr_id} changed meanwhile")
        if dispute is not None:
            await self._books.disputes.decide(tx, dispute, "WITHDRAWN", note=None, at=now)
        if wrong.verdict == "BOOKED":
            assert receipt is not None, "what is booked has a receipt"
            await self._take_back(tx, case, wrong, receipt, now)

    async def _take_back(self, tx: Transaction, case: _Case, wrong: Verdict, receipt: Receipt, now: int) -> None:
        assert wrong.driver_id is not None and wrong.charge is not None, "it was booked"
        name, memo = f"{wrong.owner}/{wrong.cdr_id}", f"the operator credited {wrong.cdr_id}"
        await self._books.ledger.reverse(tx, f"credit/{case.name}", f"cdr/{name}", at=now, memo=memo)
        paid = await self._books.collecting.credit(tx, wrong.charge, now=now)
        left = await self._books.refunds.give_back_all(tx, wrong.charge, paid, memo=memo, now=now)
        if left > 0:
            money = Money.of_minor(left, wrong.currency)
            key = f"credit/{case.name}/wallet"
            await self._books.wallets.give_back(tx, wrong.driver_id, money, key=key, at=now, memo=memo)
        await self._give_credit_receipt(tx, case, receipt, now)

    async def _give_credit_receipt(self, tx: Transaction, case: _Case, receipt: Receipt, now: int) -> None:
        document = credit_of(receipt.document, date_time(self._clock.now()))
        money = Money.of_minor(-receipt.money.minor, receipt.money.currency)
        number = await self._books.receipts.give(
            tx, f"credit/{case.name}", receipt.driver_id, document, money, year=self._clock.now().year, at=now
        )
        await self._books.telling.add(
            tx,
            Told(
                key=f"credited/{case.name}",
                event=Event.CHARGE_CREDITED,
                driver_id=receipt.driver_id,
                text=f"The operator took back its bill of {receipt.money}; what you paid is given back. {number}.",
                data={"receipt": number, "credits": receipt.number, "amount": receipt.money.text},
            ),
        )
