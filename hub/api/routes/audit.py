"""The audit log, read."""

from hub.api.audit import AuditEntry, AuditLog, AuditQuery
from hub.api.declaring import Call, route
from hub.api.realms import Administration
from hub.api.shapes import Page


class AuditRoutes:
    """Who changed what."""

    tag = "audit"

    def __init__(self, log: AuditLog) -> None:
        self._log = log

    @route("GET", "/audit", scope=Administration.AUDIT_READ)
    async def list_audit(self, call: Call, query: AuditQuery) -> Page[AuditEntry]:
        """List changes, the newest first."""
        return await self._log.page(query)
