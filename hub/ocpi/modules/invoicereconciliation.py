"""Which CDRs an invoice is about, told by whoever sends the invoice: the CPO, or the eMSP in reverse billing.

Source: OCPI 2.3.0 edition 2, mod_invoice_reconciliation.asciidoc.
"""

from typing import Annotated, TypedDict

from hub.ocpi.interfaces import CLIENT_OWNED, Module
from hub.ocpi.modules.common import PAGED
from hub.ocpi.objects import CiString2, CiString3, CiString36, CiString255, DateTime, NonEmpty


class InvoiceReconciliationRecord(TypedDict):
    """One invoice and the ids of the CDRs on it."""

    country_code: CiString2
    party_id: CiString3
    id: CiString36
    invoice_id: CiString255
    cdrs: Annotated[list[CiString36], NonEmpty()]
    last_updated: DateTime


module = Module("invoicereconciliation", owner=None)

list_records = module.sender.list("", InvoiceReconciliationRecord, query_typed=PAGED)

get_record = module.receiver.get(CLIENT_OWNED + "/{id}", InvoiceReconciliationRecord)
post_record = module.receiver.post("", InvoiceReconciliationRecord)
put_record = module.receiver.put(CLIENT_OWNED + "/{id}", InvoiceReconciliationRecord)
delete_record = module.receiver.delete(CLIENT_OWNED + "/{id}")
