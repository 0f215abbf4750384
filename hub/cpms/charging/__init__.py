"""Smart charging: a site's power shared among its cars, and the charging profiles of their eMSPs.

``allocation.py`` divides amperes (pure arithmetic), ``sites.py`` is what a site may draw, ``shares.py``
what each EVSE was told and may therefore be drawing, ``schedules.py`` reads OCPI's profiles, ``sharing.py``
tells stations their limits in an order that never exceeds the site's.

The invariant above everything here: on every phase, what all stations of a site *may* be drawing by
what they were last told - whether they answer, are offline, or have been started again - is at most
what the site may draw. So limits are lowered first, and raised only by what was confirmed to be free.

Source: OCPI 2.3.0, mod_charging_profiles.asciidoc; OCPP 1.6, 3.13; OCPP 2.0.1, part 2, K; decision 0025.
"""
