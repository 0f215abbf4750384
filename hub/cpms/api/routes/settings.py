"""What a station keeps for us: settings, its list of tokens, certificates, messages on its display.

Source: OCPP 1.6 edition 2 (GetConfiguration, ChangeConfiguration, SendLocalList); OCPP 2.0.1 edition 3
part 2, B, D, M, O.
"""

import dataclasses
from typing import Annotated

import msgspec

from hub.api.declaring import Call, route
from hub.api.problems import invalid
from hub.api.shapes import Moment, Shape
from hub.cpms.api.ordering import TROUBLE, Number, StationAnswer, Text50, Text255, in_utc, station_problems, told
from hub.cpms.api.routes.control import Token
from hub.cpms.api.scopes import Scope
from hub.ocpi.objects import JSONObject
from hub.ocpp.commands import Chargers
from hub.ocpp.words import TokenInfo, TokenStatus, Variable

_MOST = 1_000  # variables and entries of one request

#: What lets a station in: changed where the register hears of it, too, and where a password is asked for.
_ADMITTING = frozenset({"authorizationkey", "basicauthpassword", "securityprofile"})

#: A certificate, or a chain of them, in PEM.
PEM = Annotated[str, msgspec.Meta(min_length=1, max_length=20_000)]


class Setting(Shape, frozen=True, kw_only=True):
    """One setting: a configuration key of 1.6 (no component), a component's variable of 2.0.1.

    Attributes:
        status: of the last get or set, as the station says it.
    """

    name: str
    value: str | None = None
    component: str = ""
    instance: str | None = None
    component_instance: str | None = None
    evse_id: int | None = None
    connector_id: int | None = None
    attribute: str = "Actual"
    readonly: bool = False
    status: str = "Accepted"


class NewSetting(Shape, frozen=True, kw_only=True):
    """A setting to be given a value."""

    name: Text50
    value: Annotated[str, msgspec.Meta(max_length=2500)]
    component: Annotated[str, msgspec.Meta(max_length=50)] = ""
    instance: Text50 | None = None
    component_instance: Text50 | None = None
    evse_id: Number | None = None
    connector_id: Number | None = None
    attribute: Annotated[str, msgspec.Meta(max_length=20)] = "Actual"


class NewSettings(Shape, frozen=True, kw_only=True):
    """Settings to be given values; each is answered for itself."""

    variables: Annotated[list[NewSetting], msgspec.Meta(min_length=1, max_length=_MOST)]


class SettingsQuery(Shape, frozen=True, kw_only=True):
    """Which settings.

    Attributes:
        names: separated by commas, each ``Key`` or ``Component.Variable``; all without it.
    """

    names: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)] | None = None


class ListVersion(Shape, frozen=True, kw_only=True):
    """The version of the station's list of tokens."""

    version: int


class ListEntry(Shape, frozen=True, kw_only=True):
    """A token in the list; without a status it is taken off it."""

    token: Token
    status: TokenStatus | None = None
    expires_at: Moment | None = None
    group_id_token: Text255 | None = None


class LocalList(Shape, frozen=True, kw_only=True):
    """A list of tokens, whole or as changes, with its version."""

    version: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
    full: bool = True
    entries: Annotated[list[ListEntry], msgspec.Meta(max_length=_MOST)]


class NewCertificate(Shape, frozen=True, kw_only=True):
    """A root certificate to trust, named by use as in 2.0.1 (InstallCertificateUseEnumType)."""

    kind: Text50
    certificate: PEM


class OldCertificate(Shape, frozen=True, kw_only=True):
    """A certificate to be deleted, by its CertificateHashData as the station listed it."""

    hash_data: JSONObject


class DisplayMessage(Shape, frozen=True, kw_only=True):
    """A message for the display: 2.0.1's MessageInfoType."""

    message: JSONObject


class SettingsRoutes:
    """What connected stations keep."""

    tag = "settings"

    def __init__(self, chargers: Chargers) -> None:
        self._chargers = chargers

    @route("GET", "/stations/{station_id}/variables", scope=Scope.STATIONS_CONTROL, problems=TROUBLE)
    async def get_variables(self, call: Call, station_id: str, query: SettingsQuery) -> list[Setting]:
        """Ask for settings."""
        wanted = [_named(each) for each in (query.names or "").split(",") if each]
        with station_problems():
            return [_setting(each) for each in await self._chargers.commands(station_id).get_variables(wanted)]

    @route("PATCH", "/stations/{station_id}/variables", scope=Scope.STATIONS_CONTROL, problems=TROUBLE)
    async def set_variables(self, call: Call, station_id: str, body: NewSettings) -> list[Setting]:
        """Change settings, but for those that let the station in: the register changes these."""
        for index, each in enumerate(body.variables):
            if each.name.lower() in _ADMITTING:
                remedy = f"POST /register/{station_id}/password and PUT /register/{station_id} change how it is let in"
                raise invalid(f"$.variables[{index}].name", f"is nothing to be set here; {remedy}")
        wanted = [Variable(**msgspec.structs.asdict(each)) for each in body.variables]
        with station_problems():
            found = [_setting(each) for each in await self._chargers.commands(station_id).set_variables(wanted)]
        call.trail.note(after=found)
        return found

    @route("GET", "/stations/{station_id}/local-list", scope=Scope.STATIONS_CONTROL, problems=TROUBLE)
    async def get_local_list_version(self, call: Call, station_id: str) -> ListVersion:
        """Ask for the version of the station's list of tokens."""
        with station_problems():
            return ListVersion(version=await self._chargers.commands(station_id).local_list_version())

    @route("PUT", "/stations/{station_id}/local-list", scope=Scope.STATIONS_CONTROL, problems=TROUBLE)
    async def send_local_list(self, call: Call, station_id: str, body: LocalList) -> StationAnswer:
        """Set the station's list of tokens, or change it."""
        entries = [(each.token.as_told(), _info(each)) for each in body.entries]
        with station_problems():
            commands = self._chargers.commands(station_id)
            answer = await commands.send_local_list(version=body.version, entries=entries, full=body.full)
        return told(call, {"version": body.version, "full": body.full, "entries": len(entries)}, answer)

    @route("GET", "/stations/{station_id}/certificates", scope=Scope.STATIONS_CONTROL, problems=TROUBLE)
    async def get_certificates(self, call: Call, station_id: str) -> StationAnswer:
        """Ask for the certificates installed."""
        with station_problems():
            answer = await self._chargers.commands(station_id).installed_certificates()
        return told(call, None, answer)

    @route(
        "POST", "/stations/{station_id}/certificates", scope=Scope.STATIONS_CONTROL, step_up=True, problems=TROUBLE
    )  # fmt: skip
    async def install_certificate(self, call: Call, station_id: str, body: NewCertificate) -> StationAnswer:
        """Have a root certificate installed."""
        with station_problems():
            answer = await self._chargers.commands(station_id).install_certificate(body.kind, body.certificate)
        return told(call, body, answer)

    @route(
        "POST", "/stations/{station_id}/certificates/delete",
        scope=Scope.STATIONS_CONTROL, step_up=True, problems=TROUBLE,
    )  # fmt: skip
    async def delete_certificate(self, call: Call, station_id: str, body: OldCertificate) -> StationAnswer:
        """Have a certificate deleted."""
        with station_problems():
            answer = await self._chargers.commands(station_id).delete_certificate(body.hash_data)
        return told(call, body, answer)

    @route("POST", "/stations/{station_id}/display-messages", scope=Scope.STATIONS_CONTROL, problems=TROUBLE)
    async def set_display_message(self, call: Call, station_id: str, body: DisplayMessage) -> StationAnswer:
        """Have a message shown."""
        with station_problems():
            answer = await self._chargers.commands(station_id).set_display_message(body.message)
        return told(call, body, answer)

    @route(
        "DELETE", "/stations/{station_id}/display-messages/{message_id}",
        scope=Scope.STATIONS_CONTROL, problems=TROUBLE,
    )  # fmt: skip
    async def clear_display_message(self, call: Call, station_id: str, message_id: str) -> StationAnswer:
        """Have a message taken off the display."""
        if not (message_id.isascii() and message_id.isdigit() and len(message_id) < 11):
            raise invalid("path.message_id", "must be a whole number")
        with station_problems():
            answer = await self._chargers.commands(station_id).clear_display_message(int(message_id))
        return told(call, None, answer)


def _named(text: str) -> Variable:
    """Return the variable that ``Key`` or ``Component.Variable`` names."""
    component, dot, name = text.strip().partition(".")
    return Variable(name=name, component=component) if dot else Variable(name=component)


def _setting(variable: Variable) -> Setting:
    return Setting(**dataclasses.asdict(variable))


def _info(entry: ListEntry) -> TokenInfo | None:
    if entry.status is None:
        return None
    expires_at = in_utc(entry.expires_at) if entry.expires_at is not None else None
    return TokenInfo(status=entry.status, expires_at=expires_at, group_id_token=entry.group_id_token)
