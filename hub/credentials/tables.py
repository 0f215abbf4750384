"""The reception's tables; ``house`` says which local platform (hub, cpms, emsp) a row belongs to."""

from tortoise import fields
from tortoise.models import Model

from hub.database.columns import Text


class Invitation(Model):
    """A token that opens versions and credentials only.

    Attributes:
        kind: ``invitation`` (a CREDENTIALS_TOKEN_A) or ``callback`` (ours, while we register at a peer).
        token: keyed hash.
        roles: JSON list of the roles it may register, each alone or with a party (``CPO NL-ABC``); empty: any.
        options: JSON object, the options of the connection to come.
        created, expires: in microseconds since 1970, UTC; expires 0: never.
    """

    id = Text(primary_key=True)
    house = Text()
    kind = Text()
    name = Text()
    token = fields.BinaryField()
    roles = Text()
    options = Text()
    created = fields.BigIntField()
    expires = fields.BigIntField()

    class Meta:
        """Read whole, by house."""

        table = "credentials_invitation"
        indexes = (("house",),)


class ConnectionRow(Model):
    """A registered platform; ``hub.credentials.connections`` tells what the columns mean.

    Attributes:
        token: what we send, sealed.
        accepted: JSON list of the roles it may register; empty: any.
        status: CONNECTED, OFFLINE or SUSPENDED.
        quirks, options: JSON objects.
        created, changed, last_seen: in microseconds since 1970, UTC; changed: of the status.
    """

    id = Text(primary_key=True)
    house = Text()
    name = Text()
    version = Text()
    versions_url = Text()
    token = fields.BinaryField()
    status = Text()
    accepted = Text()
    quirks = Text()
    options = Text()
    created = fields.BigIntField()
    changed = fields.BigIntField()
    last_seen = fields.BigIntField()

    class Meta:
        """Names are unique in a house, so that an operator can use them."""

        table = "credentials_connection"
        unique_together = (("house", "name"),)


class TokenRow(Model):
    """A credentials token a platform may present.

    Attributes:
        hash: keyed.
        kind: ``current``; ``former`` (good until a newer one is used); ``trial`` (sent by us in a PUT
            under way); ``offered`` (sent in a PUT whose answer was lost).
        created, until: in microseconds since 1970, UTC; until 0: no end.
    """

    id = fields.BigIntField(primary_key=True)
    house = Text()
    connection_id = Text()
    hash = fields.BinaryField()
    kind = Text()
    created = fields.BigIntField()
    until = fields.BigIntField()

    class Meta:
        """Read whole, by house; replaced by connection."""

        table = "credentials_token"
        indexes = (("house",), ("connection_id",))


class RoleRow(Model):
    """A party in one role, on the one platform that may speak for it; ids upper-case."""

    id = fields.BigIntField(primary_key=True)
    house = Text()
    connection_id = Text()
    role = Text()
    country_code = Text()
    party_id = Text()
    business_details = Text()

    class Meta:
        """The combination is unique across platforms (credentials.asciidoc, Credentials object)."""

        table = "credentials_role"
        unique_together = (("house", "role", "country_code", "party_id"),)
        indexes = (("connection_id",),)


class EndpointRow(Model):
    """Where one interface of a platform's module is."""

    id = fields.BigIntField(primary_key=True)
    house = Text()
    connection_id = Text()
    module = Text()
    role = Text()
    url = Text()

    class Meta:
        """One row per interface."""

        table = "credentials_endpoint"
        unique_together = (("connection_id", "module", "role"),)
        indexes = (("house",),)


class ClientInfoRow(Model):
    """What the hub says of a party in one role; outlives its connection.

    Attributes:
        seq: the order of creation, and of pages.
        connection_id: whose party it is or was.
        changed: last_updated, in microseconds since 1970, UTC.
        revision: ascending with each change; who was told up to where is in ``Mark``.
    """

    seq = fields.BigIntField(primary_key=True)
    house = Text()
    role = Text()
    country_code = Text()
    party_id = Text()
    connection_id = Text()
    status = Text()
    changed = fields.BigIntField()
    revision = fields.BigIntField()

    class Meta:
        """Found by party, paged by date, told by revision."""

        table = "credentials_client_info"
        unique_together = (("house", "role", "country_code", "party_id"),)
        indexes = (("house", "revision"), ("house", "connection_id"))


class Mark(Model):
    """A number by name.

    The revision of a house, how far its changes were told, and what tells the key of the store.
    """

    name = Text(primary_key=True)
    value = fields.BigIntField()

    class Meta:
        """A house's row is taken by everyone who changes the house, so its revisions are committed in order."""

        table = "credentials_mark"
