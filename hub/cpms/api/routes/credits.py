"""Wrong CDRs taken back and put right (X-72); listing them is in ``records``.

Source: OCPI 2.3.0, mod_cdrs.asciidoc (Credit CDRs).
"""

from hub.api.declaring import Call, route
from hub.api.problems import Conflict, NotFound, invalid
from hub.api.shapes import Shape
from hub.cpms.api.scopes import Scope
from hub.cpms.crediting import Crediting
from hub.ocpi.errors import InvalidParameters
from hub.ocpi.modules.cdrs import CDR
from hub.ocpi.objects import JSONObject
from hub.ocpi.receiving import NoSuchObject


class Correction(Shape, frozen=True, kw_only=True):
    """What a corrected CDR says otherwise: fields of a CDR; null takes an optional one away."""

    changes: JSONObject


class Corrected(Shape, frozen=True, kw_only=True):
    """The CDR that takes the wrong one back, and the right one."""

    credit: JSONObject
    cdr: JSONObject


class CreditRoutes:
    """Corrections of CDRs, which are never changed themselves."""

    tag = "cdrs"

    def __init__(self, crediting: Crediting) -> None:
        self._crediting = crediting

    @route("POST", "/cdrs/{cdr_id}/credit", scope=Scope.CDRS_WRITE, step_up=True, problems=(Conflict,), answers=CDR)
    async def credit_cdr(self, call: Call, cdr_id: str) -> JSONObject:
        """Take a CDR back: a Credit CDR is told to its eMSP; a second time it is the same one."""
        try:
            made = await self._crediting.credit(
                cdr_id, also=lambda tx, made: call.trail.record(tx, after={"credit": made["id"]})
            )
        except NoSuchObject as error:
            raise NotFound("There is no such CDR") from error
        except InvalidParameters as error:
            raise Conflict(str(error).removeprefix("$: ")) from error
        return made

    @route("POST", "/cdrs/{cdr_id}/correction", scope=Scope.CDRS_WRITE, step_up=True, problems=(Conflict,), status=201)
    async def correct_cdr(self, call: Call, cdr_id: str, body: Correction) -> Corrected:
        """Take a CDR back and put another in its place; both are told to its eMSP."""
        try:
            credit, right = await self._crediting.correct(
                cdr_id,
                body.changes,
                also=lambda tx, both: call.trail.record(
                    tx, status=201, after={"credit": both[0]["id"], "cdr": both[1]["id"]}
                ),
            )
        except NoSuchObject as error:
            raise NotFound("There is no such CDR") from error
        except InvalidParameters as error:
            path, _, rule = str(error).partition(": ")
            if path == "$":
                raise Conflict(rule) from error
            raise invalid("body.changes" + path.removeprefix("$"), rule) from error
        return Corrected(credit=credit, cdr=right)
