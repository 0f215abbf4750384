"""Who charges: drivers with their accounts, vehicles, cards and phones, and whether they may charge.

``people.py`` knows a driver, ``tokens.py`` what he charges with: each of his Tokens is a row here and an
object on the provider's shelf, written in one transaction, so that CPOs hear of every change through the hub.
``signing_up.py``, ``logins.py``, ``letters.py`` and ``brands.py`` are how he proves who he is,
``registration.py`` how an operator registers him, ``judging.py`` what a CPO is answered in real time,
``privacy.py`` what he may ask of us. ``desk.py`` puts it together.

Source: OCPI 2.3.0, mod_tokens.asciidoc; decision 0030.
"""
