"""Who would get a request, and why, or why not: the router's rules told without sending.

Source: OCPI 2.3.0, transport_and_format.asciidoc (Message Routing).
"""

from collections.abc import Iterator

from hub.callbacks import Callbacks
from hub.catalogue import Catalogue
from hub.credentials.connections import Connection, Connections
from hub.keeping import LISTS, key_of, level_of
from hub.ocpi.errors import OcpiError
from hub.ocpi.interfaces import REGISTRY, Operation
from hub.ocpi.messages import Party, Request
from hub.ocpi.objects import JSONObject
from hub.openrouting import OpenRouting
from hub.settings import Settings


async def explain(
    directory: Connections,
    settings: Settings,
    sender: Party,
    receiver: Party | None,
    method: str,
    module: str,
    path: str,
) -> list[JSONObject]:
    """Return a verdict for every party that could be meant: {party, connection, verdict, why}.

    Args:
        receiver: the OCPI-to party; None: an Open Routing Request.
        path: what follows the module's endpoint URL, such as ``/NL/TNM/LOC1``.
    """
    hub = Party.parse(settings.hub_id)
    speaking = directory.having(sender)
    if not speaking:
        return [_verdict(sender, None, False, "the sender is no party of a connected platform")]
    module = module.lower()
    if module not in REGISTRY:
        return [_custom(directory, speaking[0], receiver, module)]
    found = _operation(method.upper(), module, path)
    if found is None:
        return [_verdict(receiver or hub, None, False, f"{method} {module}{path} is no endpoint of OCPI")]
    operation, params = found
    if not REGISTRY[operation.module].functional:
        return [_verdict(hub, None, True, f"{module} is a configuration module: the hub answers it and routes nothing")]
    request = Request(operation, sender, receiver, params, caller=speaking[0].id)
    if operation.owned and operation.pushes and (trouble := await _refused(directory, hub, request, speaking[0])):
        return [_verdict(receiver or hub, None, False, trouble)]
    if receiver is not None and receiver != hub:
        return [_directed(directory, receiver, operation)]
    return await _to_the_hub(directory, hub, request, speaking[0])


def _operation(method: str, module: str, path: str) -> tuple[Operation, dict[str, str]] | None:
    """Return the operation a path means; with an empty one, the module's first of that method."""
    operations = [each for each in REGISTRY[module].operations if each.method == method]
    segments = [each for each in path.split("/") if each]
    for operation in sorted(operations, key=lambda each: each.path.count("{")):
        params = operation.match(segments)
        if params is not None:
            return operation, params
    if segments or not operations:
        return None
    first = operations[0]
    return first, {segment[1:-1]: "?" for segment in first.segments if segment[:1] == "{"}


def _custom(directory: Connections, speaking: Connection, receiver: Party | None, module: str) -> JSONObject:
    """Return the verdict on a module that the specification does not know: it goes to who is named, as it is."""
    if module not in speaking.custom_modules:
        return _verdict(receiver, None, False, f"{module} is no module of OCPI, and none the sender announced (404)")
    reached = directory.having(receiver) if receiver is not None else ()
    offering = next((each for each in reached if module in each.custom_modules), None)
    if offering is None:
        return _verdict(receiver, None, False, f"{module} is no module of OCPI: name a receiver that offers it")
    return _verdict(receiver, offering, True, "directed: a custom module goes to its receiver untouched")


async def _refused(directory: Connections, hub: Party, request: Request, speaking: Connection) -> str | None:
    """Return why a push is refused before anybody could get it; an example without ids (``?``) is not."""
    params, level = request.params, level_of(request.operation)
    if level is None or "?" in params.values():
        return None
    owner = Party.of(params["country_code"], params["party_id"])
    if owner not in speaking.parties:
        return f"the URL names {owner}, which is no party of the sender's platform (2001)"
    if request.operation.method != "PATCH" or request.receiver != hub:
        return None
    known = await Catalogue(directory.store.database).find(level.kind, owner, key_of(request, level), owner)
    return None if known else "there is no such object to PATCH (2003)"


async def _to_the_hub(directory: Connections, hub: Party, request: Request, speaking: Connection) -> list[JSONObject]:
    operation = request.operation
    level = level_of(operation)
    if operation.method == "GET" and operation.paginated:
        if request.receiver is None:
            return [_verdict(hub, None, False, "a list is asked of a party or of the hub, not of nobody (2001)")]
        kept = (operation.module, operation.path) in LISTS
        return [_verdict(hub, None, kept, "GET All: the hub answers from its own copy" if kept else "nothing is kept")]
    if operation.method == "GET" and level is not None and (operation.owned or request.receiver is not None):
        return [_verdict(hub, None, True, "the hub answers from its own copy")]
    if operation.pushes and level is not None and level.broadcast:
        return list(_broadcast(directory, request, speaking))
    if request.receiver is not None:
        return [_verdict(hub, None, False, f"{operation.module} is not for everyone: name a receiver (2000)")]
    return await _opened(directory, request)


async def _opened(directory: Connections, request: Request) -> list[JSONObject]:
    database = directory.store.database
    try:
        found = await OpenRouting(Catalogue(database), Callbacks(database)).receiver(request)
    except OcpiError as error:
        return [_verdict(None, None, False, f"Open Routing: {error} ({error.status_code})")]
    except (KeyError, AttributeError, TypeError):
        return [_verdict(None, None, False, "Open Routing: the receiver is told by the body, which is not given here")]
    verdict = _directed(directory, found, request.operation)
    return [verdict | {"why": "Open Routing: its content tells the receiver"} if verdict["verdict"] else verdict]


def _directed(directory: Connections, receiver: Party, operation: Operation) -> JSONObject:
    try:
        connection = directory.of(receiver, operation)
    except OcpiError as error:
        return _verdict(receiver, None, False, f"{error} ({error.status_code})")
    if (operation.module, operation.role) not in connection.endpoints:
        return _verdict(receiver, connection, False, f"it offers no {operation.module} as {operation.role} (3003)")
    return _verdict(receiver, connection, True, "directed: it is named as the receiver")


def _broadcast(directory: Connections, request: Request, speaking: Connection) -> Iterator[JSONObject]:
    operation = request.operation
    assert request.sender is not None, "explain names a sender"
    hearing = directory.opposite(request.sender, speaking.id, operation)
    for party, connection in hearing:
        offline = connection.status == "OFFLINE"
        why = "it is OFFLINE: it pulls when it returns" if offline else "broadcast: it has the opposite role"
        yield _verdict(party, connection, not offline, why)
    heard = set(hearing)
    for connection in directory.all():
        for party in connection.parties:
            if (party, connection) not in heard:
                yield _verdict(party, connection, False, _deaf(connection, speaking, operation))


def _deaf(connection: Connection, speaking: Connection, operation: Operation) -> str:
    if connection.id == speaking.id:
        return "it is on the sender's own platform"
    if connection.status not in ("CONNECTED", "OFFLINE"):
        return f"it is {connection.status}"
    if (operation.module, operation.role) not in connection.endpoints:
        return f"it offers no {operation.module} as {operation.role}"
    return "it has not the opposite role"


def _verdict(party: Party | None, connection: Connection | None, verdict: bool, why: str) -> JSONObject:
    return {
        "party": str(party) if party else "",
        "connection": connection.name if connection else "",
        "verdict": verdict,
        "why": why,
    }
