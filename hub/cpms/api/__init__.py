"""The operator API: everything an operator of stations does, at ``{public-url}/cpms/api/v1``.

How to add routes: write a class in ``hub/cpms/api/routes/``, one file per thing, and hand an object
of it to ``operator_api(routes=[...])`` or, where a room starts later, to ``OperatorApi.add``::

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

- A scope not there yet is added in ``scopes.py``, with the roles that hold it.
- A refusal is a ``Problem`` of ``problems.py``: ``raise NotFound("There is no such site")``,
  ``raise invalid("$.power", "must be ...")``. Those beyond the usual are named in ``problems=``.
- ``step_up=True`` where a call costs money or is dangerous.
- Bulk: ``consumes=("text/csv", "application/json")``, ``max_body=...`` and ``body: bytes``.
- Lists: a ``ListQuery`` with ``limit`` and ``cursor``; ``cursor_number(query)`` where that is a number.
- The audit log: ``await call.trail.record(tx, before=..., after=...)`` in the transaction that
  changes something. Whoever does not gets a row all the same after the handler, with the body, to
  which ``call.trail.note(before=..., after=...)`` can add.
- Live events: ``feed.publish("status", {...})`` once it is committed; kinds are in ``routes/events.py``.

The frame: ``application.py`` (one way for every request), ``judging.py``, ``shapes.py``,
``answers.py``, ``openapi.py``. Who may call: ``accounts.py``, ``credentials.py``, ``keys.py``.
docs/decisions/0023-operator-api.md says why it is so.
"""
