"""Each kind of server has one rig in tests/rigs, which all parts use."""

from __future__ import annotations

import pytest

from tests.house.product import ROOT

# What starts a server of that kind, and where it may stand besides tests/rigs.
STARTS = {
    "pexpect.spawn(": {
        "tests/clients/test_clients.py",  # pexpect is the client that is tried
        "tests/roots/boxes.py",  # programs that drop what was typed before they ask
        "tests/roots/walk.py",
    },
    '"/usr/sbin/sshd': set(),
    '"ssh-keygen", "-q"': {"tests/pki/test_key_content.py"},  # its forms of a key
    '"lab", "--serve", "--dir", str(root)': set(),
    "asyncssh.listen(": set(),
}


@pytest.mark.thorough
@pytest.mark.parametrize("start", STARTS)
def test_a_kind_of_server_is_started_by_one_rig(start: str) -> None:
    found = {
        path.relative_to(ROOT).as_posix(): path.read_text().count(start)
        for path in ROOT.glob("tests/**/*.py")
        if path.name != "test_rigs.py" and start in path.read_text()
    }
    rigs = {name for name in found if name.startswith("tests/rigs/")}
    assert rigs
    assert found.keys() - rigs == STARTS[start]
