"""The operator API: everything an operator of stations does, at ``{public-url}/cpms/api/v1``.

It stands on the frame of ``hub.api``, whose docstring says how routes are added; those of the rooms
are in ``routes/``, one file per thing. Its scopes and their roles are in ``scopes.py``, orders to
stations and why there is no answer in ``ordering.py``.
"""
