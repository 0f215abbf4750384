"""The tables of the operator API."""

from hub.api import tables


class CpmsAccount(tables.Account):
    """``cpms_account``."""

    class Meta(tables.Account.Meta):
        """Its name."""

        abstract = False
        table = "cpms_account"


class CpmsLogin(tables.Login):
    """``cpms_login``."""

    class Meta(tables.Login.Meta):
        """Its name."""

        abstract = False
        table = "cpms_login"


class CpmsKey(tables.Key):
    """``cpms_key``."""

    class Meta(tables.Key.Meta):
        """Its name."""

        abstract = False
        table = "cpms_key"


class CpmsAudit(tables.Audit):
    """``cpms_audit``."""

    class Meta(tables.Audit.Meta):
        """Its name."""

        abstract = False
        table = "cpms_audit"
