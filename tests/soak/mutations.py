"""Rules of the checklist, and where each is switched off: the table of the mutation check.

A row names a statement of the checklist, a file, a text that stands in it exactly once, and what
replaces it. With the replacement the tests that carry the statement's id must fail.
"""

from typing import NamedTuple


class Mutation(NamedTuple):
    """One rule switched off."""

    id: str
    file: str
    old: str
    new: str


def _off(id: str, file: str, condition: str) -> Mutation:  # noqa: A002  the word of the checklist
    """Return a guard that never holds: the line ``if condition:``."""
    return Mutation(id, file, f"if {condition}:", "if False:")


MUTATIONS = (
    # Transport
    Mutation("TR-05", "hub/ocpi/errors.py", "    http_status = 401\n", "    http_status = 200\n"),
    _off("TR-07", "hub/ocpi/server.py", "caller.version is None"),
    Mutation("TR-18", "hub/ocpi/errors.py", "    http_status = 400\n", "    http_status = 200\n"),
    Mutation("TR-21", "hub/router.py", "201 if created else 200", "200"),
    Mutation("TR-35", "hub/ocpi/errors.py", "    http_status = 405\n", "    http_status = 200\n"),
    # Message ids
    Mutation(
        "MI-02", "hub/ocpi/exchanges.py", '_IDS = (b"x-request-id", b"x-correlation-id")', '_IDS = (b"x-request-id",)'
    ),
    Mutation(
        "MI-05",
        "hub/ocpi/remote.py",
        '{"X-Request-ID": message_id(), ',
        '{"X-Request-ID": request.request_id, ',
    ),
    Mutation(
        "MI-06", "hub/ocpi/remote.py", '"X-Correlation-ID": request.correlation_id', '"X-Correlation-ID": message_id()'
    ),
    # Pagination
    Mutation("PG-03", "hub/listing.py", "if found.after is not None:", "if False:"),
    Mutation("PG-09", "hub/paging.py", '(query.date_from, ">=")', '(query.date_from, ">")'),
    Mutation("PG-10", "hub/paging.py", '(query.date_to, "<")', '(query.date_to, "<=")'),
    Mutation("PG-11", "hub/listing.py", "{**filters, **position}", "{**position}"),
    Mutation("PG-14", "hub/listing.py", "min(limit or page_limit, page_limit)", "(limit or page_limit)"),
    # Versions
    Mutation(
        "VE-07", "hub/credentials/endpoints.py", "version, caller.custom_modules)", 'version, frozenset({"acme"}))'
    ),
    # Credentials
    Mutation("CR-12", "hub/credentials/handshake.py", "await store.use_invitation(tx, caller.id)", "pass"),
    Mutation(
        "CR-14",
        "hub/credentials/handshake.py",
        'if not isinstance(caller, Invited) or caller.kind != "invitation":',
        "if False:",
    ),
    _off("CR-30", "hub/ocpi/modules/credentials.py", "role in seen"),
    _off("CR-48", "hub/credentials/judgement.py", "each.party in ours"),
    # Routing
    Mutation(
        "RT-05",
        "hub/ocpi/bodies.py",
        "            return self._text\n",
        '            return self._text.replace(b": ", b":")\n',
    ),
    _off("RT-13", "hub/ocpi/server.py", "not caller.speaks_for(sender)"),
    Mutation(
        "RT-19",
        "hub/ocpi/server.py",
        'raise InvalidParameters(f"OCPI-{way} needs both country-code and party-id")',
        "return None",
    ),
    Mutation(
        "RT-26",
        "hub/ocpi/remote.py",
        "get((operation.module, operation.role))",
        'get((operation.module, "SENDER"), self.peer.endpoints.get((operation.module, operation.role)))',
    ),
    # Broadcast
    Mutation("BR-02", "hub/credentials/pictures.py", "if connection.id != caller\n", "if connection\n"),
    Mutation("BR-03", "hub/router.py", "request.body, self.hub, owner,", "request.body, owner, owner,"),
    Mutation("BR-09", "hub/credentials/pictures.py", "and connection.offers(operation.module, operation.role)\n", ""),
    Mutation(
        "BR-13", "hub/keeping.py", 'Level("sessions", "session_id", broadcast=False)', 'Level("sessions", "session_id")'
    ),
    # Open Routing
    Mutation("OR-01", "hub/openrouting.py", 'return _named(request.value.get("cdr_token"))', "raise UnknownToken"),
    Mutation("OR-06", "hub/openrouting.py", '    ("location_id", "locations"),\n', ""),
    Mutation("OR-07", "hub/openrouting.py", "return await self._token_owner(request)", "raise UnknownTokenOwner"),
    # GET All
    Mutation("GA-07", "hub/paging.py", '"(peer IN ($2, $3) OR owner = $3)"', '"($2 = $2 AND $3 = $3)"'),
    # Hub errors
    Mutation("HE-01", "hub/ocpi/errors.py", "status_code = 4001", "status_code = 4000"),
    Mutation("HE-02", "hub/ocpi/client.py", "return ReceiverTimeout(", "return ReceiverUnreachable("),
    Mutation("HE-05", "hub/ocpi/remote.py", "if answer.status >= 300:", "if False:"),
    _off("HE-10", "hub/ocpi/remote.py", "answer.status == 401"),
    # Client owned objects
    Mutation("CO-01", "hub/keeping.py", "fold(value) != fold(given)", "False"),
    Mutation("CO-02", "hub/keeping.py", "fold(given) not in map(fold, values)", "False"),
    _off("CO-03", "hub/router.py", "owner not in self._parties(request)"),
    Mutation("CO-05", "hub/ocpi/schema.py", 'if name == "last_updated"] if partial', "if not name] if partial"),
    Mutation("CO-07", "hub/keeping.py", "    return identifier.upper()\n", "    return identifier\n"),
    # Types
    Mutation("TY-10", "hub/ocpi/judging.py", "values: Any = Literal[field.values]", "values: Any = str"),
    Mutation("TY-11", "hub/ocpi/judging.py", "if field.non_empty else list[item]", "if False else list[item]"),
    _off("TY-12", "hub/ocpi/judging.py", "field.text and field.text.max_length is not None"),
    Mutation("TY-14", "hub/ocpi/objects.py", '(?:[.][0-9]{1,6})?Z?"', '(?:[.][0-9]{1,6})?.*"'),
    # Locations, Sessions, CDRs, Tariffs, Tokens
    Mutation("LO-08", "hub/keeping.py", "for parent in parents:", "for parent in ():"),
    Mutation("SE-06", "hub/keeping.py", '"charging_periods" if level.kind == "sessions" else None', "None"),
    Mutation(
        "CD-07",
        "hub/callbacks.py",
        "lent.borrower_connection != connection or party not in (None, lent.borrower)",
        "False",
    ),
    Mutation("TA-03", "hub/catalogue.py", "            await self._delete(tx, level.kind, owner, key, peer)\n", ""),
    Mutation("TK-04", "hub/keeping.py", "    return token_key(key, kind)\n", "    return key\n"),
    # Commands and ChargingProfiles
    Mutation("CM-06", "hub/lending.py", "if owner not in parties:", "if False:"),
    Mutation("CM-07", "hub/router.py", "lending.exchanged(request, own)", "request"),
    Mutation(
        "CM-16",
        "hub/callbacks.py",
        "lent.borrower_connection != connection or party not in (None, lent.borrower)",
        "False",
    ),
    Mutation("CM-18", "hub/lending.py", "if host not in own and host not in extra:", "if False:"),
    Mutation("CP-08", "hub/ocpi/parameters.py", "if not given.get(name):", "if False:"),
    # HubClientInfo
    Mutation(
        "HC-06", "hub/credentials/clientinfo.py", "changed >= $2 AND changed < $3", "changed > $2 AND changed <= $3"
    ),
    Mutation(
        "HC-08", "hub/credentials/clientinfo.py", "if connection.id != row[4] and _listens(connection):", "if False:"
    ),
    # Robustness
    Mutation("RB-01", "hub/ocpi/server.py", 'frozenset({"", ".", ".."})', 'frozenset({""})'),
    Mutation("RB-06", "hub/ocpi/server.py", "if len(names) != len(set(names)):", "if False:"),
    Mutation("RB-08", "hub/ocpi/judging.py", 'for path in _repeated(read, "$"):', "for path in ():"),
)

#: Ways to lose what was acknowledged; the id is what is done wrong.
LOSSES = (
    Mutation(
        "acknowledged before the commit",
        "hub/database/sqlite.py",
        '            self._connection.execute("COMMIT")\n',
        """            import time

            self._loop.call_soon_threadsafe(self._deliver, outcomes, [])
            time.sleep(0.05)
            self._connection.execute("COMMIT")
""",
    ),
    Mutation(
        "deliveries in a transaction of their own",
        "hub/router.py",
        """            created = await self.catalogue.keep(tx, request, level, PUBLIC)
            await self.outbox.enqueue(tx, push, destinations)
            return created
""",
        """            return await self.catalogue.keep(tx, request, level, PUBLIC)

        async def enqueue(tx: Transaction) -> None:
            await self.outbox.enqueue(tx, push, destinations)

        import asyncio

        loop = asyncio.get_running_loop()
        loop.call_later(0.05, lambda: asyncio.ensure_future(self.database.transact(enqueue)))
""",
    ),
    Mutation(
        "a lent URL stored after the asker is answered",
        "hub/router.py",
        """        await self.database.transact(
            lambda tx: self.callbacks.store(tx, lent, reservation=wanted.reservation, expiry_date=wanted.expiry_date)
        )
""",
        """        import asyncio

        async def store(tx: Transaction) -> None:
            await self.callbacks.store(tx, lent, reservation=wanted.reservation, expiry_date=wanted.expiry_date)

        loop = asyncio.get_running_loop()
        loop.call_later(0.1, lambda: asyncio.ensure_future(self.database.transact(store)))
""",
    ),
)
