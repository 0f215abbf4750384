"""What a driver or an operator is refused, and what to do then: the docstring is the message.

MoneyError
├── PaymentNeeded    no valid payment method, and no wallet that covers it
├── NoCredit         the wallet has not enough
├── DebtOpen         an earlier charge is not paid
├── UnknownMethod    no such payment method
├── NotRefundable    more than was paid
└── NotDecidable     a dispute that cannot be decided so
"""


class MoneyError(Exception):
    """It cannot be done."""

    def __str__(self) -> str:
        return super().__str__() or " ".join((self.__doc__ or "").split())


class PaymentNeeded(MoneyError):
    """There is no valid payment method: save one, or top up the wallet, and start again."""


class NoCredit(MoneyError):
    """The wallet has not enough: top it up, or choose another payment method."""


class DebtOpen(MoneyError):
    """An earlier charge is not paid: save another payment method, and start again when it is paid."""


class PaymentDeclined(MoneyError):
    """Choose another payment method, or ask your bank."""


class PaymentPending(MoneyError):
    """The payment provider has not answered yet: try again in a moment."""


class ConfirmationNeeded(MoneyError):
    """The payment has to be confirmed first."""

    def __init__(self, url: str) -> None:
        super().__init__(f"Confirm the payment at {url} and start again")
        self.url = url


class UnknownMethod(MoneyError):
    """There is no such payment method that can be used: save it first."""


class NotRefundable(MoneyError):
    """The payment did not take that much in this currency, or it was given back already."""


class NotDecidable(MoneyError):
    """The dispute is closed, or its CDR lacks a driver of ours, a VAT rate or a price: it can only be rejected."""
