"""The key: made once, readable by its owner alone, and without it no token is of use."""

import stat
from pathlib import Path

import pytest

from hub.credentials.secrets import VARIABLE, Secrets, SecretUnavailable, new_token, open_secrets


@pytest.fixture(autouse=True)
def no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


def test_the_key_is_made_at_the_first_start_and_found_at_the_next(tmp_path: Path) -> None:
    folder = tmp_path / "data"

    first, again = open_secrets(folder), open_secrets(folder)

    assert first.check == again.check
    assert again.open(first.seal("token", "id"), "id") == "token"
    assert [each.name for each in folder.iterdir()] == ["secret.key"]
    assert stat.S_IMODE((folder / "secret.key").stat().st_mode) == 0o600


def test_the_variable_stands_for_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "k" * 32)

    assert open_secrets(tmp_path / "none").check == Secrets(b"k" * 32).check
    assert not (tmp_path / "none").exists()


def test_a_short_or_damaged_key_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret.key").write_bytes(b"short")
    with pytest.raises(SecretUnavailable, match="damaged"):
        open_secrets(tmp_path)

    monkeypatch.setenv(VARIABLE, "short")
    with pytest.raises(SecretUnavailable, match=VARIABLE):
        open_secrets(tmp_path)


def test_a_folder_that_cannot_hold_the_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")

    with pytest.raises(SecretUnavailable, match=VARIABLE):
        open_secrets(tmp_path / "file")


def test_a_sealed_token_opens_with_its_key_for_its_owner_alone() -> None:
    secrets, other = Secrets(b"1" * 32), Secrets(b"2" * 32)
    sealed = secrets.seal("token", "alpha")

    assert b"token" not in sealed
    assert sealed != secrets.seal("token", "alpha")
    for wrong, owner in ((secrets, "beta"), (other, "alpha")):
        with pytest.raises(SecretUnavailable):
            wrong.open(sealed, owner)


def test_hashes_depend_on_the_key() -> None:
    assert Secrets(b"1" * 32).hash(b"token") == Secrets(b"1" * 32).hash(b"token")
    assert Secrets(b"1" * 32).hash(b"token") != Secrets(b"2" * 32).hash(b"token")


def test_tokens_are_256_bits_that_travel_in_a_header() -> None:
    """CR-06, CR-46."""
    made = {new_token() for _ in range(100)}

    assert len(made) == 100
    assert all(43 <= len(each) <= 64 and each.isascii() and each.isprintable() and " " not in each for each in made)
