"""Finding a charger: an index over every EVSE that CPOs have told of, and what can be asked of it.

``words.py`` folds OCPI's lists into bits, ``index.py`` keeps a row per EVSE with a spatial index of the
engine's own, ``queries.py`` is what can be wished for, ``geometry.py`` the earth, ``finding.py`` the search,
``prices.py`` what a charge would cost. The index is made of the Locations on the provider's shelf, in
the transaction that changes them; it can be built anew from them at any time.

Source: OCPI 2.3.0, mod_locations.asciidoc, mod_tariffs.asciidoc; decision 0031.
"""
