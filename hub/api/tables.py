"""Who may call an API of ours, what they changed, and the answers given under idempotency keys.

Each party has these tables under names of its own, which its ``Realm`` knows; what they are is declared here.
"""

from tortoise import fields
from tortoise.models import Model

from hub.database.columns import Text


class Account(Model):
    """A staff member; times are microseconds since 1970, UTC.

    Attributes:
        email_key: the e-mail address folded, by which he is found.
        role: admin, operator, finance or viewer.
        password: its argon2id hash, with salt and parameters.
        active: 0 while he may not log in.
    """

    id = Text(primary_key=True)
    email = Text()
    email_key = Text()
    name = Text()
    role = Text()
    password = Text()
    active = fields.SmallIntField()
    created_at = fields.BigIntField()
    changed_at = fields.BigIntField()
    last_login_at = fields.BigIntField(null=True)

    class Meta:
        """Found by id and by address."""

        abstract = True
        unique_together = (("email_key",),)


class Login(Model):
    """A staff member's log-in on one device, ended by its row's end.

    Attributes:
        token_hash: SHA-256, in hex, of the bearer token.
        seen_at: when it was last used, to the minute.
        expires_at: when it ends however much it is used.
        step_up_hash: SHA-256, in hex, of the token that says the password was given again.
        step_up_until: until when that one holds.
    """

    id = Text(primary_key=True)
    account_id = Text()
    token_hash = Text()
    created_at = fields.BigIntField()
    seen_at = fields.BigIntField()
    expires_at = fields.BigIntField()
    address = Text()
    agent = Text()
    step_up_hash = Text(null=True)
    step_up_until = fields.BigIntField(null=True)

    class Meta:
        """Found by token, listed by account."""

        abstract = True
        unique_together = (("token_hash",),)
        indexes = (("account_id",),)


class Key(Model):
    """A machine's key.

    Attributes:
        token_hash: SHA-256, in hex, of the key.
        scopes: what it may do, in words apart.
        created_by: who made it, as the audit log names him.
        used_at: when it was last used, to the minute.
    """

    id = Text(primary_key=True)
    name = Text()
    token_hash = Text()
    scopes = Text()
    created_at = fields.BigIntField()
    created_by = Text()
    expires_at = fields.BigIntField(null=True)
    used_at = fields.BigIntField(null=True)
    revoked_at = fields.BigIntField(null=True)

    class Meta:
        """Found by key."""

        abstract = True
        unique_together = (("token_hash",),)


class Audit(Model):
    """One change; rows are only ever added. The columns are those of ``audit.AuditEntry``."""

    seq = fields.BigIntField(primary_key=True)
    at = fields.BigIntField()
    actor_kind = Text()
    actor_id = Text()
    actor = Text()
    action = Text()
    target = Text()
    before = fields.BinaryField(null=True)
    after = fields.BinaryField(null=True)
    request_id = Text()
    address = Text()
    status = fields.SmallIntField()

    class Meta:
        """Searched by time, actor and target."""

        abstract = True
        indexes = (("at",), ("actor_id", "seq"), ("target", "seq"))


class Idempotency(Model):
    """A request under an idempotency key, with its answer.

    Attributes:
        id: SHA-256, in hex, of the caller and his key.
        fingerprint: SHA-256, in hex, of the request.
        status: of the answer; 0 while there is none.
        kind: media type; tag: ETag, or "".
    """

    id = Text(primary_key=True)
    fingerprint = Text()
    begun_at = fields.BigIntField()
    status = fields.SmallIntField()
    kind = Text(null=True)
    tag = Text(null=True)
    body = fields.BinaryField(null=True)

    class Meta:
        """Found by id, forgotten by age."""

        abstract = True
        indexes = (("begun_at",),)
