"""Prices an operator makes: Tariffs in versions, where they apply, previews, and special offers.

- ``making``: a Tariff is created, changed, removed; every version is kept.
- ``places``: it is assigned to Locations, EVSEs, Connectors and groups; the Connectors say so to eMSPs.
- ``offers``: cheaper from one moment to another, and back again.
- ``previewing``: what a charge would cost, and why.

Source: REQUIREMENTS DD-R7, DD-R8, RASD-R23, RASD-R31, RASD-F22; OCPI 2.3.0, mod_tariffs.asciidoc.
"""
