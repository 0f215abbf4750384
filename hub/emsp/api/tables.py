"""The tables of the eMSP's API."""

from hub.api import tables


class EmspApiAccount(tables.Account):
    """``emsp_api_account``."""

    class Meta(tables.Account.Meta):
        """Its name."""

        abstract = False
        table = "emsp_api_account"


class EmspApiLogin(tables.Login):
    """``emsp_api_login``."""

    class Meta(tables.Login.Meta):
        """Its name."""

        abstract = False
        table = "emsp_api_login"


class EmspApiKey(tables.Key):
    """``emsp_api_key``."""

    class Meta(tables.Key.Meta):
        """Its name."""

        abstract = False
        table = "emsp_api_key"


class EmspApiAudit(tables.Audit):
    """``emsp_api_audit``."""

    class Meta(tables.Audit.Meta):
        """Its name."""

        abstract = False
        table = "emsp_api_audit"


class EmspApiIdempotency(tables.Idempotency):
    """``emsp_api_idempotency``."""

    class Meta(tables.Idempotency.Meta):
        """Its name."""

        abstract = False
        table = "emsp_api_idempotency"
