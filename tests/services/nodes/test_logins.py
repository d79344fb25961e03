"""What sshd says of an account, judged; and what the shipped drop-in makes it say."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from cucmsh.services.nodes.health.finding import Level
from cucmsh.services.nodes.health.isolation import (
    BUILT_IN,
    DRIVERS,
    LIBRARIES,
    weak_points,
)
from cucmsh.services.nodes.health.logins import NO_VARIABLE, REQUIRED, judge
from cucmsh.views.sshd import drop_in
from tests.rigs.keys import make_key
from tests.rigs.sshd import SSHD
from tests.services.made_cluster import MadeCluster

pytestmark = pytest.mark.thorough

LOGIN = "/usr/local/bin/cucmsh-login"
GOOD = "\n".join(
    [
        *(f"{name.lower()} {value}" for name, value in REQUIRED.items()),
        "permituserenvironment no",
        f"acceptenv {NO_VARIABLE}",
        f"forcecommand {LOGIN}",
        "",
    ]
)


def wrong(text: str) -> list[str]:
    return [found.what for found in judge("x", text) if found.level is not Level.OK]


def test_shipped_settings_are_well() -> None:
    (finding,) = judge("x", GOOD)
    assert finding.level is Level.OK
    assert wrong(GOOD.replace(f"acceptenv {NO_VARIABLE}\n", "")) == []


@pytest.mark.parametrize("name", [*REQUIRED, "PermitUserEnvironment"])
def test_each_setting_counts(name: str) -> None:
    lines = [line for line in GOOD.splitlines() if not line.startswith(name.lower())]
    assert wrong("\n".join(lines)) == [f"sshd has {name} nothing for x"]
    other = "\n".join([*lines, f"{name.lower()} local"])
    assert wrong(other) == [f"sshd has {name} local for x"]


@pytest.mark.parametrize("value", ["LANG", "*", "LC_*", "none"])
def test_accepted_variable_counts(value: str) -> None:
    assert wrong(f"{GOOD}acceptenv {value}\n") == [
        f"sshd takes {value} from clients of x"
    ]


@pytest.mark.parametrize("value", ["none", "/bin/sh", "internal-sftp"])
def test_other_forced_command_counts(value: str) -> None:
    text = GOOD.replace(LOGIN, value)
    assert wrong(text) == [f"sshd runs {value} for x, not cucmsh-login"]


@pytest.mark.loopback  # starts OpenSSH's server, to read a configuration
def test_sshd_reads_the_drop_in_as_it_is_meant(tmp_path: Path) -> None:
    make_key(tmp_path / "key")
    (tmp_path / "drop").write_text(drop_in("nobody"))
    (tmp_path / "config").write_text(
        # As Debian has it: included first, with its own words behind it.
        f"Include {tmp_path}/drop\nHostKey {tmp_path}/key\nAcceptEnv LANG LC_*\n"
        "X11Forwarding yes\nPermitUserEnvironment yes\nAllowTcpForwarding yes\n"
    )
    told = {}
    for user in ("nobody", "root"):
        words = [SSHD, "-T", "-f", str(tmp_path / "config")]
        words += ["-C", f"user={user},host=x,addr=127.0.0.1"]
        done = subprocess.run(words, check=True, capture_output=True, text=True)
        told[user] = done.stdout
    assert wrong(told["nobody"]) == []
    # Nobody else is touched.
    assert "x11forwarding yes" in told["root"]
    assert "acceptenv LC_*" in told["root"]
    assert "forcecommand none" in told["root"]


def test_file_that_the_interpreter_reads_before_us_is_looked_at(
    cluster: MadeCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packages = tmp_path / "packages"
    packages.mkdir()
    (packages / "any.pth").touch()
    (packages / "any.pth").chmod(0o666)
    (packages / "any.txt").touch()
    (packages / "any.txt").chmod(0o666)
    monkeypatch.setattr(sys, "path", [str(packages), str(tmp_path / "none")])
    found = [weak.path for weak in weak_points(cluster.site.settings, [], [])]
    assert str(packages / "any.pth") in found
    assert str(packages / "any.txt") not in found
    assert str(packages) not in found
    packages.chmod(0o1777)  # a new name there is imported: the bit protects old ones
    found = [weak.path for weak in weak_points(cluster.site.settings, [], [])]
    assert str(packages) in found


IMPORT_ALL = """
import importlib, sys
from pathlib import Path
import commands, cucmsh
for package in (commands, cucmsh):
    root = Path(package.__file__).parent
    for path in root.rglob("*.py"):
        name = ".".join(path.relative_to(root.parent).with_suffix("").parts)
        # No login loads the page, or the lab, whose libraries a node does not have.
        others = ("testing", "__main__", "cucmsh.lab", "cucmsh.web")
        if not any(part in name for part in others):
            importlib.import_module(name.removesuffix(".__init__"))
importlib.import_module("psycopg")  # SQLAlchemy's driver, by the URL of a database
for module in sys.modules.values():
    print(getattr(module, "__file__", None))
"""


def test_every_library_that_ours_import_is_looked_at_by_a_login() -> None:
    place = sysconfig.get_path("platlib")
    done = subprocess.run(
        [sys.executable, "-I", "-c", IMPORT_ALL],
        check=True,
        capture_output=True,
        text=True,
    )
    paths = [Path(line) for line in done.stdout.splitlines()]
    found = {
        path.relative_to(place).parts[0].partition(".")[0]
        for path in paths
        if path.is_relative_to(place)
    }
    assert found - {*BUILT_IN, "_distutils_hack"} | DRIVERS == LIBRARIES
    assert found & DRIVERS >= {"psycopg", "psycopg_binary"}
