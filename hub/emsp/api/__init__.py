"""The API of our eMSP, for drivers and for its operators, at ``{public-url}/emsp/api/v1``.

It stands on the frame of ``hub.api``, whose docstring says how routes are added. A driver has the scopes
``DRIVER_SCOPES``; what is his own asks for ``Scope.OWN`` and is his by ``call.principal.id``, his ``driver_id``.
Operators have roles and keys, as in every API of ours. What costs money is declared ``idempotent=True``
and passes ``call.idempotency_key`` on. What a driver is to see as it happens is told with his id::

    feed.publish("session", {"driver_id": driver_id, "session_id": ..., "kwh": ...})

and reaches him, and operators whose scope ``routes/events.py`` names for that kind. docs/decisions/0035 says why.
"""
