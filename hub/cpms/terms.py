"""What an operator's CDRs say of billing beyond their price.

Source: OCPI 2.3.0, mod_cdrs.asciidoc (CDR: invoice_reference_id, home_charging_compensation).
"""

from dataclasses import dataclass

from hub.ocpi.objects import JSONObject
from hub.ocpi.times import moment


@dataclass(frozen=True, kw_only=True)
class CdrTerms:
    """The terms of one operator.

    Attributes:
        invoice_reference: of the invoice a CDR will be on; {emsp}, {year} and {month} stand for the eMSP (CC-PID), and
            when the session ended, in UTC. Empty: none is told.
        home_locations: ids of Locations that are drivers' own, in upper case: they are compensated for the energy.
    """

    invoice_reference: str = ""
    home_locations: frozenset[str] = frozenset()

    def fields(self, ended: JSONObject) -> JSONObject:
        """Return what the CDR of an ended Session says by these terms."""
        found: JSONObject = {}
        if self.invoice_reference:
            token, at = ended["cdr_token"], moment(ended["end_date_time"])
            emsp = f"{token['country_code']}-{token['party_id']}"
            found["invoice_reference_id"] = invoice_reference(self.invoice_reference, emsp, at.year, at.month)
        if ended["location_id"].upper() in self.home_locations:
            found["home_charging_compensation"] = True
        return found


def terms_of(reference: str, locations: str) -> CdrTerms:
    """Return the terms as they are set: Locations by comma."""
    home = frozenset(each.strip().upper() for each in locations.split(",") if each.strip())
    return CdrTerms(invoice_reference=reference, home_locations=home)


def invoice_reference(pattern: str, emsp: str, year: int, month: int) -> str:
    """Return the reference a pattern stands for."""
    filled = pattern.replace("{emsp}", emsp).replace("{year}", f"{year:04}")
    return filled.replace("{month}", f"{month:02}")
