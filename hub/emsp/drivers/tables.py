"""The tables of drivers; every moment is in microseconds since 1970, UTC."""

from tortoise import fields
from tortoise.models import Model

from hub.database.columns import Text


class EmspDriver(Model):
    """One driver.

    Attributes:
        brand: the brand he joined; each has its own e-mail addresses and identity provider.
        email: null for one without an account, such as an ad-hoc driver.
        email_key: folded, by which it is one; an address that was never confirmed cannot log in.
        customer_id: the number the operator knows him by; customer_key folded.
        password: its argon2id hash; null where an identity provider knows him, or nobody.
        state: ACTIVE, BLOCKED (by the operator), GONE (de-registered) or ERASED.
        reason: why he is blocked, in words he is told.
        ends_at: when his contract ends; null: never.
        driver_class: which limits and horizons are his.
        group_id: of all his Tokens.
    """

    id = Text(primary_key=True)
    brand = Text()
    email = Text(null=True)
    email_key = Text(null=True)
    customer_id = Text(null=True)
    customer_key = Text(null=True)
    name = Text()
    surname = Text()
    birth_date = Text(null=True)
    language = Text()
    password = Text(null=True)
    state = Text()
    reason = Text()
    ends_at = fields.BigIntField(null=True)
    driver_class = Text()
    group_id = Text()
    confirmed_at = fields.BigIntField(null=True)
    created_at = fields.BigIntField()
    changed_at = fields.BigIntField()

    class Meta:
        """Found by address, listed in the order they came, swept when their contract ends or they never confirm."""

        table = "emsp_driver"
        unique_together = (("brand", "email_key"), ("customer_key",), ("group_id",))
        indexes = (("created_at", "id"), ("driver_class",), ("ends_at",), ("confirmed_at", "created_at"))


class EmspIdentity(Model):
    """Who a driver is at an identity provider: issuer and subject together (OpenID Connect Core 1.0, 2)."""

    id = Text(primary_key=True)
    issuer = Text()
    subject = Text()
    driver_id = Text()
    created_at = fields.BigIntField()

    class Meta:
        """One driver per identity."""

        table = "emsp_identity"
        unique_together = (("issuer", "subject"),)
        indexes = (("driver_id",),)


class EmspVehicle(Model):
    """A driver's vehicle.

    Attributes:
        model_id: of the catalogue; null where it was typed.
        battery_wh: usable capacity in Wh.
        connectors: OCPI ConnectorTypes, separated by spaces.
        max_ac, max_dc: in W; 0: it does not charge so.
        plate_key: the licence plate without spaces and hyphens, unique among all vehicles.
    """

    id = Text(primary_key=True)
    driver_id = Text()
    model_id = Text(null=True)
    name = Text()
    battery_wh = fields.IntField()
    connectors = Text()
    max_ac = fields.IntField()
    max_dc = fields.IntField()
    plate = Text()
    plate_key = Text()
    created_at = fields.BigIntField()

    class Meta:
        """Listed by driver."""

        table = "emsp_vehicle"
        unique_together = (("plate_key",),)
        indexes = (("driver_id",),)


class EmspToken(Model):
    """Whose a Token is, and whether it may be used; what CPOs are told of it is on the provider's shelf.

    Attributes:
        type: OCPI TokenType.
        uid_key: folded; uid and type together identify a Token (mod_tokens).
        contract_id: eMAID with its check digit.
        label: what the driver knows it by: what is printed on the card, the name of the phone.
        phone: E.164, of what is used by SMS.
        group_id: of the fleet it is in; null: it is in its driver's own group.
        state: ACTIVE, BLOCKED or REMOVED.
        reason: why it is blocked, in words the driver is told.
        ends_at: when it expires; null: never.
    """

    id = Text(primary_key=True)
    driver_id = Text()
    type = Text()
    uid = Text()
    uid_key = Text()
    contract_id = Text()
    label = Text()
    phone = Text(null=True)
    group_id = Text(null=True)
    state = Text()
    reason = Text()
    ends_at = fields.BigIntField(null=True)
    created_at = fields.BigIntField()
    changed_at = fields.BigIntField()

    class Meta:
        """Found by uid and type, listed by driver, swept when they end."""

        table = "emsp_token"
        unique_together = (("type", "uid_key"), ("contract_id",), ("phone",))
        indexes = (("driver_id",), ("ends_at",))


class EmspDriverLogin(Model):
    """A driver logged in on one device.

    Attributes:
        token_hash: SHA-256 of its bearer token.
    """

    id = Text(primary_key=True)
    driver_id = Text()
    token_hash = Text()
    created_at = fields.BigIntField()
    seen_at = fields.BigIntField()
    expires_at = fields.BigIntField()
    address = Text()
    agent = Text()

    class Meta:
        """Found by token, listed by driver, swept when over."""

        table = "emsp_driver_login"
        unique_together = (("token_hash",),)
        indexes = (("driver_id",), ("expires_at",))


class EmspLetter(Model):
    """A link that was sent by mail and works once.

    Attributes:
        token_hash: SHA-256 of what stands in the link.
        purpose: CONFIRM, RESET or CHANGE.
        email: the address it was sent to.
    """

    token_hash = Text(primary_key=True)
    purpose = Text()
    driver_id = Text()
    email = Text()
    created_at = fields.BigIntField()
    expires_at = fields.BigIntField()

    class Meta:
        """Found by what stands in the link."""

        table = "emsp_letter"
        indexes = (("driver_id", "purpose"), ("expires_at",))


class EmspJourney(Model):
    """A driver on his way to an identity provider and back.

    Attributes:
        state_hash: SHA-256 of the state he comes back with.
        nonce, verifier: of OpenID Connect and PKCE.
        redirect_uri: where he comes back to.
    """

    state_hash = Text(primary_key=True)
    brand = Text()
    nonce = Text()
    verifier = Text()
    redirect_uri = Text()
    expires_at = fields.BigIntField()

    class Meta:
        """Found by state, swept when over."""

        table = "emsp_journey"
        indexes = (("expires_at",),)


class EmspAgreement(Model):
    """Whether the provider works with a CPO.

    Attributes:
        cpo: CC-PID; ``*`` says what holds for those not named.
        allowed: 1 or 0.
    """

    cpo = Text(primary_key=True)
    allowed = fields.SmallIntField()
    note = Text()
    changed_at = fields.BigIntField()

    class Meta:
        """One row per CPO."""

        table = "emsp_agreement"


class EmspDriverClass(Model):
    """Where drivers of a class may charge.

    Attributes:
        countries: ISO 3166-1 alpha-3, separated by spaces; "": all.
        locations: ``CC-PID/LOCATION``, upper case, separated by spaces; "": all.
    """

    name = Text(primary_key=True)
    countries = Text()
    locations = Text()
    changed_at = fields.BigIntField()

    class Meta:
        """One row per class; a class without one has no limits."""

        table = "emsp_driver_class"


class EmspAuthorization(Model):
    """What a CPO was answered when it asked for a Token.

    Attributes:
        reference: authorization_reference, found again in Session and CDR; of a refusal only ours.
        driver_id: "" where nobody's Token it is.
        allowed: OCPI AllowedType, or UNKNOWN.
        evse_uids: separated by spaces.
        reason: what the driver was told.
    """

    reference = Text(primary_key=True)
    driver_id = Text()
    token_uid = Text()
    token_type = Text()
    cpo = Text()
    location_id = Text()
    evse_uids = Text()
    allowed = Text()
    reason = Text()
    at = fields.BigIntField()

    class Meta:
        """Found by reference, listed by driver and by time."""

        table = "emsp_authorization"
        indexes = (("driver_id", "at"), ("at",))


class EmspConsent(Model):
    """What a driver agreed to, or took back; rows are only added.

    Attributes:
        purpose: TERMS, LOCATION_HISTORY, OFFERS, ...
        given: 1 or 0.
        version: of the text he was shown.
    """

    id = fields.BigIntField(primary_key=True)
    driver_id = Text()
    purpose = Text()
    given = fields.SmallIntField()
    version = Text()
    at = fields.BigIntField()

    class Meta:
        """Listed by driver."""

        table = "emsp_consent"
        indexes = (("driver_id", "purpose"),)
