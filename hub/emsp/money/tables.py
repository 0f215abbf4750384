"""The tables of money: amounts are whole minor units, moments microseconds since 1970 UTC."""

from tortoise import fields
from tortoise.models import Model

from hub.database.columns import Text


class EmspLedgerTransaction(Model):
    """One event in the books, booked once.

    Attributes:
        key: names the event: cdr/OWNER/ID, payment/ID, top-up/ID.
        reverses: the key of the transaction this one takes back; a transaction is taken back once.
    """

    key = Text(primary_key=True)
    currency = Text()
    at = fields.BigIntField()
    memo = Text()
    reverses = Text(null=True)

    class Meta:
        """Append-only."""

        table = "emsp_ledger_transaction"
        unique_together = (("reverses",),)


class EmspLedgerEntry(Model):
    """An amount that goes from one account to another, so that what is booked always sums to zero.

    Attributes:
        key: the transaction.
        debit: the account that grows on its left side.
        credit: the account that grows on its right side.
        amount: positive.
    """

    seq = fields.BigIntField(primary_key=True)
    key = Text()
    number = fields.SmallIntField()
    debit = Text()
    credit = Text()
    currency = Text()
    amount = fields.BigIntField()

    class Meta:
        """Found by account."""

        table = "emsp_ledger_entry"
        unique_together = (("key", "number"),)
        indexes = (("debit", "currency"), ("credit", "currency"))


class EmspWallet(Model):
    """Prepaid money of a driver; 0 <= held <= balance, always."""

    driver_id = Text()
    currency = Text()
    balance = fields.BigIntField()
    held = fields.BigIntField()
    id = fields.BigIntField(primary_key=True)

    class Meta:
        """One per driver and currency."""

        table = "emsp_wallet"
        unique_together = (("driver_id", "currency"),)


class EmspWalletHold(Model):
    """What of a wallet is kept for one charge.

    Attributes:
        reference: the charge's.
        state: HELD, SETTLED or RELEASED.
        taken: what the charge cost the wallet.
    """

    reference = Text(primary_key=True)
    driver_id = Text()
    currency = Text()
    amount = fields.BigIntField()
    taken = fields.BigIntField()
    state = Text()

    class Meta:
        """One per charge."""

        table = "emsp_wallet_hold"


class EmspPaymentMethod(Model):
    """A token of the payment provider for something a driver pays with.

    Attributes:
        state: PENDING, ACTION_REQUIRED, SAVED, DECLINED or FORGOTTEN.
        wanted: the token the driver's app gave.
        reference: the provider's id of saving it.
        method: the token that is charged; null until it is saved.
        rank: the order in which a driver's methods are tried.
    """

    id = Text(primary_key=True)
    driver_id = Text()
    state = Text()
    wanted = Text()
    return_url = Text()
    reference = Text()
    method = Text(null=True)
    customer = Text(null=True)
    label = Text(null=True)
    action_url = Text(null=True)
    reason = Text(null=True)
    rank = fields.BigIntField()
    due = fields.BigIntField(null=True)

    class Meta:
        """Found by driver, by the provider's id, and by when it is due."""

        table = "emsp_payment_method"
        indexes = (("driver_id", "rank"), ("reference",), ("due",))


class EmspPayment(Model):
    """One attempt to have an amount from one method; ``hub.emsp.money.payments`` declares its states.

    Attributes:
        purpose: CHARGE or TOP_UP.
        subject: the charge's reference, or the top-up's id.
        amount: what is kept.
        wanted: what is to be taken of it: null while that is not known, 0 for nothing.
        captured: what was taken.
        refunded: what of it was given back, or is on its way.
        due: when it is worked on next; null: not before something happens.
        attempts: calls in this state without an answer.
    """

    id = Text(primary_key=True)
    driver_id = Text()
    purpose = Text()
    subject = Text()
    method_id = Text()
    currency = Text()
    amount = fields.BigIntField()
    wanted = fields.BigIntField(null=True)
    captured = fields.BigIntField()
    refunded = fields.BigIntField()
    state = Text()
    present = fields.SmallIntField()
    return_url = Text()
    reference = Text()
    action_url = Text(null=True)
    reason = Text(null=True)
    due = fields.BigIntField(null=True)
    attempts = fields.IntField()
    created = fields.BigIntField()

    class Meta:
        """Found by driver, subject, the provider's id, and when it is due."""

        table = "emsp_payment"
        indexes = (("driver_id", "created"), ("subject",), ("reference",), ("due",))


class EmspRefund(Model):
    """Money given back of a payment.

    Attributes:
        state: PENDING, REFUNDED or DECLINED.
    """

    id = Text(primary_key=True)
    payment_id = Text()
    driver_id = Text()
    currency = Text()
    amount = fields.BigIntField()
    state = Text()
    memo = Text()
    reference = Text()
    reason = Text(null=True)
    due = fields.BigIntField(null=True)
    created = fields.BigIntField()

    class Meta:
        """Found by payment, the provider's id, and when it is due."""

        table = "emsp_refund"
        indexes = (("payment_id",), ("reference",), ("due",))


class EmspCharge(Model):
    """What a driver owes for one charge; ``hub.emsp.money.charges`` declares its states.

    Attributes:
        reference: id of the driver's charge, or cdr/OWNER/ID of one that nothing was set aside for.
        source: WALLET, METHOD or NONE.
        estimate: what was secured for it.
        payment_id: the payment that secures it.
        amount: what it costs, with VAT; null before its CDR.
        paid: what of it was paid.
        due: when its debt is collected next.
        told: whether the driver knows that it could not be collected.
    """

    reference = Text(primary_key=True)
    driver_id = Text()
    source = Text()
    currency = Text()
    estimate = fields.BigIntField()
    payment_id = Text(null=True)
    amount = fields.BigIntField(null=True)
    paid = fields.BigIntField()
    state = Text()
    due = fields.BigIntField(null=True)
    told = fields.SmallIntField()
    created = fields.BigIntField()

    class Meta:
        """Found by driver, by when it is due, and by since when money is set aside."""

        table = "emsp_charge"
        indexes = (("driver_id", "created"), ("due",), ("state", "created"))


class EmspCdrVerdict(Model):
    """What became of a CDR: each is judged once.

    Attributes:
        owner: CC-PID of its CPO; cdr_id in capitals, as on the shelf.
        verdict: BOOKED, DISPUTED, REJECTED, CREDIT (it takes another back) or CREDITED (another took it back).
        session: OWNER/SESSION in capitals while it is billed by this CDR; null where it has none or is credited.
        charge: the charge's reference.
        cost: what the CPO takes, with taxes.
        price: what the driver pays, with VAT.
        document: the usage record, JSON.
    """

    id = fields.BigIntField(primary_key=True)
    owner = Text()
    cdr_id = Text()
    verdict = Text()
    session = Text(null=True)
    driver_id = Text(null=True)
    charge = Text(null=True)
    currency = Text()
    cost = fields.BigIntField()
    price = fields.BigIntField()
    ended = fields.BigIntField()
    document = fields.BinaryField()

    class Meta:
        """One per CDR; a session is billed once."""

        table = "emsp_cdr_verdict"
        unique_together = (("owner", "cdr_id"), ("session",))
        indexes = (("driver_id", "ended"), ("ended",))


class EmspTariffVersion(Model):
    """A Tariff as its CPO told it, until it told another.

    Attributes:
        tariff_id: in capitals, as on the shelf.
        since: from when it is in force.
        document: JSON in the newest version.
    """

    id = fields.BigIntField(primary_key=True)
    owner = Text()
    tariff_id = Text()
    since = fields.BigIntField()
    document = fields.BinaryField()

    class Meta:
        """Found by Tariff and time."""

        table = "emsp_tariff_version"
        unique_together = (("owner", "tariff_id", "since"),)


class EmspDispute(Model):
    """A CDR that is not charged as it is.

    Attributes:
        state: OPEN, ACCEPTED (booked after all), REJECTED or WITHDRAWN (its CPO credited it).
        findings: why, JSON.
        note: what the operator wrote when it was decided.
    """

    id = Text(primary_key=True)
    owner = Text()
    cdr_id = Text()
    driver_id = Text(null=True)
    state = Text()
    findings = fields.BinaryField()
    note = Text(null=True)
    opened = fields.BigIntField()
    decided = fields.BigIntField(null=True)

    class Meta:
        """One per CDR."""

        table = "emsp_dispute"
        unique_together = (("owner", "cdr_id"),)
        indexes = (("state", "opened"),)


class EmspReceipt(Model):
    """A receipt, as it was given out.

    Attributes:
        number: R-YEAR-COUNT, without gaps.
        subject: what it is for: cdr/OWNER/ID, credit/OWNER/ID.
        document: JSON.
    """

    number = Text(primary_key=True)
    subject = Text()
    driver_id = Text()
    currency = Text()
    amount = fields.BigIntField()
    at = fields.BigIntField()
    document = fields.BinaryField()

    class Meta:
        """Found by driver and time."""

        table = "emsp_receipt"
        unique_together = (("subject",),)
        indexes = (("driver_id", "at"), ("at",))


class EmspReceiptCount(Model):
    """The last number of a year's receipts."""

    year = Text(primary_key=True)
    given = fields.BigIntField()

    class Meta:
        """One row per year."""

        table = "emsp_receipt_count"


class EmspMoneyTelling(Model):
    """What a driver is to be told.

    Attributes:
        key: the same one twice is one.
        document: a ``hub.emsp.money.needs.Told``, JSON.
        told: 1 when the notifier has taken it.
    """

    seq = fields.BigIntField(primary_key=True)
    key = Text()
    document = fields.BinaryField()
    told = fields.SmallIntField()

    class Meta:
        """Told in order."""

        table = "emsp_money_telling"
        unique_together = (("key",),)
        indexes = (("told", "seq"),)
