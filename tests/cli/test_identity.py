"""Our line in authorized_keys: there once, and nothing else touched."""

from pathlib import Path

import pytest

from cucmsh.errors import StoreError
from cucmsh.services.nodes.identity import (
    authorize,
    confine,
    revoke,
    revoke_served,
)
from cucmsh.storage.local import LocalStore

LINE = "restrict ssh-ed25519 AAAAC3ours cucmsh@pub"
OTHERS = b'# notes \xff\nfrom="10.*" ssh-rsa AAAAB3theirs me@home'


@pytest.fixture
def account(tmp_path: Path) -> LocalStore:
    return LocalStore(str(tmp_path))


def keys(account: LocalStore) -> Path:
    return Path(account.root, ".ssh/authorized_keys")


def test_first_key_makes_folder_and_file_for_the_owner_only(
    account: LocalStore,
) -> None:
    assert authorize(account, LINE)
    assert keys(account).read_text() == f"{LINE}\n"
    assert keys(account).stat().st_mode & 0o777 == 0o600
    assert keys(account).parent.stat().st_mode & 0o777 == 0o700


def test_other_lines_stay_byte_for_byte(account: LocalStore) -> None:
    keys(account).parent.mkdir()
    keys(account).write_bytes(OTHERS)
    assert authorize(account, LINE)
    assert keys(account).read_bytes() == OTHERS + b"\n" + LINE.encode() + b"\n"
    assert revoke(account, LINE)
    assert keys(account).read_bytes() == OTHERS + b"\n"


@pytest.mark.parametrize(
    "known", [LINE, 'from="10.*",restrict ssh-ed25519 AAAAC3ours other comment']
)
def test_key_that_is_there_with_whatever_options_is_not_added(
    account: LocalStore, known: str
) -> None:
    keys(account).parent.mkdir()
    keys(account).write_text(f"{known}\n")
    assert not authorize(account, LINE)
    assert keys(account).read_text() == f"{known}\n"


def test_commented_key_opens_nothing_and_does_not_count(account: LocalStore) -> None:
    keys(account).parent.mkdir()
    keys(account).write_text(f"# {LINE}\n")
    assert authorize(account, LINE)
    assert revoke(account, LINE)
    assert keys(account).read_text() == f"# {LINE}\n"


def test_nothing_is_revoked_where_nothing_is(account: LocalStore) -> None:
    assert not revoke(account, LINE)
    assert not keys(account).exists()


def test_link_in_place_of_the_file_is_refused(account: LocalStore) -> None:
    keys(account).parent.mkdir()
    target = Path(account.root, "precious")
    target.write_text("mine")
    keys(account).symlink_to(target)
    with pytest.raises(StoreError):
        authorize(account, LINE)
    assert target.read_text() == "mine"


# On a member the line has a forced command

BY_HAND = 'pty,from="10.*,::1",command="a, \\"b\\" c",expiry-time="20300101"'
SERVED = 'restrict,command="cucmsh hook serve-node" ssh-ed25519 AAAAC3ours cucmsh@pub'


@pytest.mark.parametrize(
    ("known", "wanted"),
    [
        (LINE, SERVED),
        ("ssh-ed25519 AAAAC3ours", SERVED),
        (SERVED, SERVED),
        (
            f"{BY_HAND} ssh-ed25519 AAAAC3ours by hand",
            f'from="10.*,::1",expiry-time="20300101",{SERVED}',
        ),
    ],
)
def test_a_line_that_opens_more_is_replaced_and_what_it_takes_away_stays(
    account: LocalStore, known: str, wanted: str
) -> None:
    keys(account).parent.mkdir()
    keys(account).write_bytes(OTHERS + f"\n{known}\n# end".encode())
    assert confine(account, SERVED) == (known != wanted)
    expected = OTHERS + f"\n{wanted}\n# end".encode()
    assert keys(account).read_bytes().rstrip(b"\n") == expected
    assert not confine(account, SERVED)


def test_a_forced_line_is_added_where_the_key_is_not_known(account: LocalStore) -> None:
    keys(account).parent.mkdir()
    keys(account).write_bytes(OTHERS)
    assert confine(account, SERVED)
    assert keys(account).read_text(errors="replace").splitlines()[-1] == SERVED


def test_leaving_takes_away_served_lines_only(account: LocalStore) -> None:
    keys(account).parent.mkdir()
    keys(account).write_text(f"{SERVED}\n{LINE}\n")
    assert not revoke_served(account, "AAAAC3another")
    assert revoke_served(account, "AAAAC3ours")
    assert keys(account).read_text() == f"{LINE}\n"
