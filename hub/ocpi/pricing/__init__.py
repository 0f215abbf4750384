"""The arithmetic of Tariffs: what charging periods cost, to the last minor unit, and why.

It knows only OCPI objects, of the newest version (prices of older ones come raised), and no clock,
store or party: the same input gives the same bill for the CPO that makes a CDR, the eMSP that gets
it, and whoever checks it between them.

- Each dimension is priced by the first element that matches (``elements``, ``restrictions``).
- A period in which that changes is cut at the moment of change (``stretches``).
- ``step_size`` counts once for energy and once for time (``steps``).
- Taxes and limits are applied to exact sums; only what is told is rounded (``taxes``, ``limits``).

Source: OCPI 2.3.0, mod_tariffs.asciidoc, mod_cdrs.asciidoc; docs/errata.md, Prices.
"""

from hub.ocpi.pricing.bill import Bill, Limited, Line
from hub.ocpi.pricing.dividing import Division, divided, joined, rejoined
from hub.ocpi.pricing.elements import Phase, PreparedTariff, prepare, prepared_from
from hub.ocpi.pricing.forms import Unpriceable, read_tariff
from hub.ocpi.pricing.pricing import Outcome, price, price_cdr
from hub.ocpi.pricing.taxes import Price, Tax, after_taxes, taxes_of

__all__ = [
    "Bill",
    "Division",
    "Limited",
    "Line",
    "Outcome",
    "Phase",
    "PreparedTariff",
    "Price",
    "Tax",
    "Unpriceable",
    "after_taxes",
    "divided",
    "joined",
    "prepare",
    "prepared_from",
    "price",
    "price_cdr",
    "read_tariff",
    "rejoined",
    "taxes_of",
]
