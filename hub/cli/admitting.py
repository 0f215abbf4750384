"""How a station that is added may connect: by which security profile, and with which password."""

from typing import TYPE_CHECKING, NamedTuple

import typer

if TYPE_CHECKING:
    from hub.ocpp.stations import Station


class Admission(NamedTuple):
    """How a station may connect.

    Attributes:
        made: the password made for it; ``kept``: it goes on with the one it has.
        open: it was known without a password and stays so.
    """

    profile: int
    hashes: tuple[str, ...] = ()
    made: str | None = None
    kept: bool = False
    open: bool = False

    def lines(self) -> list[str]:
        """Return what is said of its password."""
        if self.kept:
            return ["it was known and keeps its password; --new-password makes another"]
        if self.open:
            return ["it was known and needs no password; --security-profile 1 has it need one"]
        return [f"password: {self.made}"] if self.made is not None else []


class Wanted(NamedTuple):
    """What was said of how a station is to prove who it is."""

    profile: int | None
    password: str | None
    renewed: bool

    def of(self, known: "Station | None") -> Admission:
        """Return how it may connect; one in the field is not locked out by being added again."""
        from hub.ocpp.passwords import hashed, new_password

        there = known if known is not None and known.state == "known" else None
        profile = self.profile if self.profile is not None else there.security_profile if there else 1
        self.check(profile)
        if self.password is not None:
            return Admission(profile, (hashed(self.password),))
        if profile not in (1, 2):
            return Admission(profile, open=there is not None and self.profile is None and profile == 0)
        if there is not None and there.passwords and not self.renewed:
            return Admission(profile, kept=True)
        made = new_password()
        return Admission(profile, (hashed(made, made=True),), made)

    def check(self, profile: int) -> None:
        """Refuse what does not go together, before anything is asked of the store."""
        if self.password is not None and self.renewed:
            raise typer.BadParameter("--password is the new one; leave --new-password out")
        if self.password is not None:
            _check_password(self.password, profile)
        if self.renewed and profile not in (1, 2):
            raise typer.BadParameter(f"security profile {profile} has no password; leave --new-password out")


def _check_password(password: str, profile: int) -> None:
    from hub.ocpp.passwords import LONGEST, SHORTEST

    if profile not in (1, 2):
        raise typer.BadParameter(f"security profile {profile} has no password; leave --password out")
    if not SHORTEST <= len(password) <= LONGEST or not password.isprintable():
        raise typer.BadParameter(
            f"a station's password has {SHORTEST} to {LONGEST} printable characters; leave --password out to get one"
        )
