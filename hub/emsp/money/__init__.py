"""The provider's money: what a charge costs its driver, how it is paid, and that every unit of it is booked.

``ports.py`` is the payment provider; ``ledger.py`` the books and ``wallet.py`` prepaid money; ``payments.py`` the
states of a payment, ``paying.py`` what drives them and ``charges.py`` what a driver owes; ``checking.py`` judges
CDRs, ``settling.py`` books each once, ``disputes.py`` keeps what is contested; ``retail.py`` and ``vat.py`` make the
driver's price, ``receipts.py``, ``statements.py``, ``billdata.py`` and ``usage.py`` tell of it. Decision 0033.
"""
