"""The booking book: who may charge where and when, kept in slots of half an hour.

Bookings of the Bookings module and RESERVE_NOW of older peers stand in one book, so that they cannot
collide. ``slots.py`` is the grid, ``store.py`` the tables (the database itself refuses a slot taken
twice), ``book.py`` the requests of eMSPs, ``calendars.py`` what is offered, ``watch.py`` what the clock
brings about: stations are reserved in time, who does not come loses the slot, who stays too long is
asked to leave.

Source: OCPI 2.3.0 Bookings 1.1, mod_bookings.asciidoc; decision 0024.
"""
