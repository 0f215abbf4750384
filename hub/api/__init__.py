"""The frame of our HTTP APIs: a route is declared by its signature, and everything else follows from that.

The operator API of our CPMS (``hub.cpms.api``) and the API of our eMSP for drivers and operators
(``hub.emsp.api``) stand on it; it knows neither. What differs between them is a ``Realm``: path,
roles, scopes, and the tables of its staff.

How to add routes: write a class in the party's ``api/routes/``, one file per thing, and hand an object
of it to its assembling or, where a room starts later, to ``Api.add``::

    class NewSite(Shape, frozen=True, kw_only=True):
        \"""A site to be.\"""

        name: Name
        power: Annotated[Decimal, within(0, 10_000)]  # kW

    class SiteRoutes:
        tag = "sites"

        @route("POST", "/sites", scope=Scope.STATIONS_WRITE, status=201)
        async def create_site(self, call: Call, body: NewSite) -> Site: ...

        @route("GET", "/sites", scope=Scope.STATIONS_READ)
        async def list_sites(self, call: Call, query: ListQuery) -> Page[Site]: ...

        @route("GET", "/sites/{site_id}", scope=Scope.STATIONS_READ)
        async def get_site(self, call: Call, site_id: str) -> Site: ...

The types say the rest (``declaring.py``): what is refused with path and rule, the description, CSV
of a ``Page``, ETag. A method's name is its operationId and its action in the audit log, its docstring
its summary. Besides:

- A scope not there yet is added in the party's ``scopes.py``, with the roles that hold it.
- A refusal is a ``Problem`` of ``problems.py``: ``raise NotFound("There is no such site")``,
  ``raise invalid("$.power", "must be ...")``. Those beyond the usual are named in ``problems=``.
- ``step_up=True`` where a call of a staff member costs money or is dangerous.
- Bulk: ``consumes=("text/csv", "application/json")``, ``max_body=...`` and ``body: bytes``.
- Lists: a ``ListQuery`` with ``limit`` and ``cursor``; ``cursor_number(query)`` where that is a number.
- The audit log: ``await call.trail.record(tx, before=..., after=...)`` in the transaction that
  changes something. Whoever does not gets a row all the same after the handler, with the body, to
  which ``call.trail.note(before=..., after=...)`` can add.
- Live events: ``feed.publish("status", {...})`` once it is committed.

The frame: ``application.py`` (one way for every request), ``judging.py``, ``shapes.py``,
``answers.py``, ``openapi.py``. Who may call: ``realms.py``, ``accounts.py``, ``credentials.py``, ``keys.py``.
docs/decisions/0023-operator-api.md says why it is so.
"""
