"""`cucmsh lab --from FILE`: what it may say; what is refused, with its dotted key."""

from __future__ import annotations

from pathlib import Path

import pytest

from cucmsh.errors import ConfigurationError, RefusedError
from cucmsh.lab.wanted import Wanted, read_wanted, usual

WHOLE = """
subscribers = 2
hold = false
[names]
publisher = "cm1"
subscribers = ["cm2", "cm3"]
domain = "class.example"
subject = "O=example"
[passwords]
admin = "the login of admin"
[ports.cm1]
ssh = 2201
tftp = 6901
[ports.backup]
sftp = 2299
[keys.cm1]
TVS = "tvs.pem"
ssh_host_key = "host"
"""


def written(folder: Path, text: str, mode: int = 0o600) -> str:
    path = folder / "lab.toml"
    path.write_text(text)
    path.chmod(mode)
    for name in ("tvs.pem", "host"):
        (folder / name).write_text(name)
        (folder / name).chmod(0o600)
    return str(path)


def test_all_that_it_may_say(tmp_path: Path) -> None:
    found = read_wanted(written(tmp_path, WHOLE))
    assert found.names == ("cm1", "cm2", "cm3")
    assert (found.domain, found.subject) == ("class.example", "O=example")
    assert found.passwords == {"admin": "the login of admin"}
    assert (found.port_of("cm1", "ssh"), found.port_of("cm2", "ssh")) == (2201, 0)
    assert found.port_of("backup", "sftp") == 2299
    assert found.keys_of("cm1") == {"TVS": b"tvs.pem"}
    assert found.host_keys == {"cm1": b"host"}
    assert not found.has_hold
    assert "admin" not in repr(found)


def test_nothing_is_the_usual_lab(tmp_path: Path) -> None:
    assert read_wanted(written(tmp_path, "")) == usual(1)
    assert read_wanted(written(tmp_path, "subscribers = 3")) == usual(3)
    assert read_wanted(written(tmp_path, "subscribers = 3"), 2) == usual(2)
    assert usual(2).names == ("test10pub", "test10sub", "test10sub2")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("subscribers = 17", "subscribers"),
        ("subscribers = 0", "subscribers"),
        ("hold = 1", "hold"),
        ("nothing = 1", "nothing"),
        ("[names]\nsubscribers = []", "names.subscribers"),
        ('[names]\npublisher = "a b"', "names.publisher"),
        ('[names]\nsubscribers = ["a", "A"]', "names.subscribers"),
        ('[names]\nsubscribers = ["backup"]', "names.subscribers"),
        ('[names]\ndomain = "-x"', "names.domain"),
        ('[names]\nsubject = "?"', "names.subject"),
        ('[passwords]\nadmin = "short"', "passwords.admin"),
        ('[passwords]\nroot = "long enough"', "passwords.root"),
        ("[ports.test10pub]\nssh = 0", "ports.test10pub.ssh"),
        ("[ports.test10pub]\nsftp = 1", "ports.test10pub.sftp"),
        ("[ports.cm9]\nssh = 1", "ports.cm9"),
        ("[ports.test10pub]\nssh = 5\ntvs = 5", "ports.test10pub.tvs"),
        ('[keys.test10pub]\nTVS = "nowhere"', "keys.test10pub.TVS"),
        ('[keys.test10sub]\nCAPF = "host"', "keys.test10sub.CAPF"),
        ('[keys.test10sub]\nITLRecovery = "host"', "keys.test10sub.ITLRecovery"),
    ],
)
def test_what_is_wrong_is_named_with_its_key(
    tmp_path: Path, text: str, key: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read_wanted(written(tmp_path, text))
    assert f": {key}: " in refused.value.message


def test_a_file_with_passwords_that_others_can_read(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="0640") as refused:
        read_wanted(written(tmp_path, WHOLE, 0o640))
    assert refused.value.advice.startswith("chmod 600")
    assert read_wanted(written(tmp_path, "subscribers = 2", 0o644)) == usual(2)


def test_a_key_that_others_can_read(tmp_path: Path) -> None:
    path = written(tmp_path, WHOLE)
    (tmp_path / "tvs.pem").chmod(0o604)
    with pytest.raises(RefusedError, match="it is a key"):
        read_wanted(path)


def test_a_file_that_is_none(tmp_path: Path) -> None:
    for path in (str(tmp_path / "none"), str(tmp_path), written(tmp_path, "= 1")):
        with pytest.raises(ConfigurationError):
            read_wanted(path)


def test_values_without_a_file() -> None:
    assert Wanted(("a", "b")).port_of("a", "ssh") == 0
    assert Wanted(("a", "b")).keys_of("a") == {}
