"""The audit log, read."""

from hub.cpms.api.audit import AuditEntry, AuditLog, AuditQuery
from hub.cpms.api.declaring import Call, route
from hub.cpms.api.scopes import Scope
from hub.cpms.api.shapes import Page


class AuditRoutes:
    """Who changed what."""

    tag = "audit"

    def __init__(self, log: AuditLog) -> None:
        self._log = log

    @route("GET", "/audit", scope=Scope.AUDIT_READ)
    async def list_audit(self, call: Call, query: AuditQuery) -> Page[AuditEntry]:
        """List changes, the newest first."""
        return await self._log.page(query)
