"""Booking, starting, following and stopping a charge: all a driver does at a station, over OCPI alone.

``room.py`` is the door: what an API or an SMS asks for, and what the clock brings about (``clockwork.py``).

- Bookings: ``bookings.py`` are rows, ``booking.py`` makes and cancels them, ``promises.py`` is RESERVE_NOW where a CPO
  has no Bookings module, ``standing.py`` what is wanted again and again, or as soon as something is free.
- Charges: ``charges.py`` are rows and the states they go through, ``starting.py`` and
  ``stopping.py`` what a driver orders, ``ordering.py`` how it is paid for and sent,
  ``following.py`` what commands, Sessions and CDRs make of a charge, ``watchdog.py`` what should have come,
  ``cases.py`` the list for the operator, ``live.py`` what a driver sees meanwhile.
- Words: ``refusals.py`` says why not, ``notices.py`` what a driver is told, ``sms.py`` reads and writes short messages.

``needs.py`` is what it needs of the rooms beside it. Every row that decides something is kept
true by a unique constraint, and every step that has to be taken later stands in a row until it is.

Source: OCPI 2.3.0, mod_commands.asciidoc, mod_sessions.asciidoc; Bookings 1.1, mod_bookings.asciidoc;
decision 0032.
"""
