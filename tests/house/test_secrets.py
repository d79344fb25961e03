"""A secret travels as one, and is opened only by who sends it or derives from it."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PRODUCT = sorted([*ROOT.glob("cucmsh/**/*.py"), *ROOT.glob("commands/**/*.py")])
DOORS = (
    # A login: paramiko's call, or the answer to a question of the server.
    "cucmsh/remote/",
    # PKCS#12, and the standard input of the process that opens a stranger's.
    "cucmsh/pki/",
    # The scrypt digest of a password, and the node's copy of another one on disk.
    "cucmsh/services/certificates/verifier.py",
    "cucmsh/services/certificates/cluster_passwords.py",
    # The same copy, written anew with the key files under it.
    "cucmsh/services/certificates/keystore.py",
    # The password of a backup device on disk: backups run that nobody watches.
    "cucmsh/services/recovery/devices.py",
    # Judges a new password, and says nothing of it.
    "cucmsh/services/nodes/password_policy.py",
    # A login to a database; its URL may hold the password.
    "cucmsh/inventory/connect.py",
)


def reveals(source: str) -> list[int]:
    """The lines that take ``reveal`` of anything, called or not."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute) and node.attr in ("reveal", "_text")
    ]


@pytest.mark.thorough
def test_a_secret_is_opened_at_its_doors_only() -> None:
    opened = {
        path.relative_to(ROOT).as_posix()
        for path in PRODUCT
        if path.name != "secret.py" and reveals(path.read_text())
    }
    assert opened, "nothing is found any more: this test proves nothing"
    assert not {name for name in opened if not name.startswith(DOORS)}
    unused = [door for door in DOORS if not any(n.startswith(door) for n in opened)]
    assert not unused


def test_a_secret_that_is_opened_elsewhere_is_found() -> None:
    assert reveals("def f(secret):\n    return open(secret.reveal())\n") == [2]
    assert reveals("take = secret.reveal\n") == [1]
