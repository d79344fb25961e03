"""The file of accepted host keys: people read it, nobody's key is ever lost."""

import subprocess
from pathlib import Path

import pytest

from cucmsh.errors import StoreError
from cucmsh.remote.known_hosts import HostKey, KnownHosts

# Made for this test; its fingerprints are what ssh-keygen -l says.
KEY = HostKey(
    "ssh-ed25519",
    "AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f",
)
OTHER = HostKey("ssh-rsa", "AAAAB3NzaC1yc2EAAAADAQABAAAAAgC7")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "known_hosts"


@pytest.fixture
def known(path: Path) -> KnownHosts:
    return KnownHosts(str(path))


def test_stranger_has_no_keys(known: KnownHosts) -> None:
    assert known.find("host", 22) == []


def test_keys_are_found_by_host_and_port(known: KnownHosts) -> None:
    known.add("host", 22, KEY)
    known.add("host", 2222, OTHER)
    known.add("host", 22, OTHER)
    assert known.find("host", 22) == [KEY, OTHER]
    assert known.find("host", 2222) == [OTHER]
    assert (
        known.find("hos", 22) == known.find("ost", 22) == known.find("host", 222) == []
    )


def test_host_names_know_no_case(known: KnownHosts) -> None:
    known.add("Backup.Lab", 22, KEY)
    assert known.find("backup.lab", 22) == known.find("BACKUP.LAB", 22) == [KEY]


def test_file_is_openssh_s_form_and_the_owner_s(known: KnownHosts, path: Path) -> None:
    known.add("host", 22, KEY)
    known.add("::1", 2222, KEY)
    line = f"{KEY.kind} {KEY.key}\n"
    assert path.read_text() == f"host {line}[::1]:2222 {line}"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_lines_of_others_stay_and_bind_nobody(known: KnownHosts, path: Path) -> None:
    path.parent.mkdir()
    before = f"# ours\n\n@revoked host {KEY.kind} {KEY.key}\nhost\nhöst x y\n"
    path.write_text(before)
    assert known.find("host", 22) == []
    known.add("host", 22, OTHER)
    assert path.read_text().startswith(before)
    assert known.find("host", 22) == [OTHER]


def test_line_torn_by_a_crash_costs_no_other_key(known: KnownHosts, path: Path) -> None:
    known.add("host", 22, KEY)
    with path.open("a") as file:
        file.write("torn ssh-rsa AAA")
    known.add("next", 22, OTHER)
    assert known.find("host", 22) == [KEY]
    assert known.find("next", 22) == [OTHER]


@pytest.mark.parametrize("host", ["", "a b", "a\nb", "a\tb", "a\x1b[2J"])
def test_name_that_would_break_a_line_is_refused(known: KnownHosts, host: str) -> None:
    with pytest.raises(StoreError, match="no host name"):
        known.add(host, 22, KEY)
    with pytest.raises(StoreError, match="no host name"):
        known.find(host, 22)


def test_link_in_place_of_the_file_is_not_written_to(
    known: KnownHosts, path: Path
) -> None:
    path.parent.mkdir()
    (path.parent / "precious").touch()
    path.symlink_to("precious")
    with pytest.raises(StoreError, match="known_hosts"):
        known.add("host", 22, KEY)
    assert (path.parent / "precious").read_bytes() == b""


def test_fingerprints_are_what_ssh_keygen_says(tmp_path: Path) -> None:
    file = tmp_path / "key.pub"
    file.write_text(f"{KEY.kind} {KEY.key}\n")

    def said(digest: str) -> str:
        words = ["ssh-keygen", "-l", "-E", digest, "-f", str(file)]
        return subprocess.run(words, check=True, capture_output=True, text=True).stdout

    assert said("sha256").split()[1] == KEY.sha256_fingerprint
    assert said("md5").split()[1] == f"MD5:{KEY.md5_fingerprint}"


def test_kind_is_short_for_people_and_a_broken_key_has_a_fingerprint() -> None:
    assert KEY.short_kind == "ED25519"
    assert OTHER.short_kind == "RSA"
    assert HostKey("ecdsa-sha2-nistp256", "").short_kind == "ECDSA"
    assert HostKey("ssh-rsa", "no base64!").sha256_fingerprint.startswith("SHA256:")
