"""Honest charge points: stations, cars and drivers that are not there, on WebSockets that are.

A ``Station`` knows what happens at its connectors and no OCPP version; a voice (``v16.py``,
``v201.py``) says it in one. The OCPP side is the client half of the ``ocpp`` package, so nothing of
our own central system is on both ends of a test.

Energy is in Wh, power in W, state of charge in percent.
"""
