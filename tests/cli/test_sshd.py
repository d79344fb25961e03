"""What `cucmsh init --sshd` prints; that it works is shown in tests/cli/login."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from cucmsh.cli.node_options import Invocation
from cucmsh.cli.sshd import sshd
from cucmsh.errors import UsageError

AROUND = Invocation(
    "/etc/cucmsh/cucmsh.toml", True, ["/opt/cucmsh/bin/python", "-I"], "root"
)


def test_printed_script_is_shell_and_names_the_isolated_interpreter() -> None:
    text = sshd([], AROUND)
    subprocess.run(["/bin/sh", "-n"], input=text, text=True, check=True)
    assert text.count("\n#!/opt/cucmsh/bin/python -I\n") == 2
    assert "\nlogin()\n" in text
    assert "NOPASSWD: /usr/bin/systemctl start tftpd-hpa, " in text


def test_other_configuration_is_written_into_the_login_program() -> None:
    around = AROUND._replace(configuration="/srv/o'x/c.toml", is_default=False)
    text = sshd(["--user", "alice"], around)
    assert """login("/srv/o'x/c.toml")\n""" in text
    assert "Match User alice\n" in text
    subprocess.run(["/bin/sh", "-n"], input=text, text=True, check=True)


def test_service_that_needs_no_permission_gets_none() -> None:
    assert "sudoers" not in sshd(["--service", "systemd:dnsmasq"], AROUND)
    words = ["--restart", "sudo -n /bin/x a:b,c", "--status", "/bin/y"]
    assert r"NOPASSWD: /bin/x a\:b\,c" in sshd(words, AROUND)


def test_unit_of_tvs_is_permitted_where_it_is_named() -> None:
    assert "cucmsh-tvs" not in sshd([], AROUND)
    text = sshd(["--tvs-unit", "sudo:cucmsh-tvs"], AROUND)
    assert "NOPASSWD: /usr/bin/systemctl start tftpd-hpa, " in text
    assert ", /usr/bin/systemctl restart cucmsh-tvs\n" in text


def test_unit_may_be_named_with_its_suffix() -> None:
    words = ["--service", "sudo:tftpd-hpa.service"]
    assert sshd(words, AROUND) == sshd([], AROUND)


def test_permission_is_for_the_words_given_and_no_others() -> None:
    """sudoers(5): a program alone may be run with any arguments, `""` with none."""
    words = ["--restart", "sudo -n /usr/local/sbin/again", "--status", "/bin/y"]
    text = sshd(words, AROUND)
    assert 'ALL=(root) NOPASSWD: /usr/local/sbin/again ""\n' in text


def test_two_accounts_are_needed() -> None:
    with pytest.raises(UsageError, match="both 'cucmsh'"):
        sshd(["--user", "cucmsh"], AROUND)


@pytest.mark.parametrize(
    "words",
    [
        ["--user", "a;b"],
        ["--user", "-x"],
        ["--user", "1a"],
        ["--user", "x" * 33],
        ["--account", "A"],
        ["--account="],
        ["publisher"],
        ["--nonsense", "x"],
        ["--home", "/a\nb"],
    ],
)
def test_words_that_make_no_script_are_refused(words: list[str]) -> None:
    with pytest.raises(UsageError):
        sshd(words, AROUND)


def test_page_gives_other_boxes_the_same_account_and_permission() -> None:
    page = Path(__file__).parents[2] / "docs" / "production.md"
    readme = page.read_text()
    text = sshd([], AROUND)
    (permission,) = re.findall(r"^cucmsh ALL=.*$", text, re.MULTILINE)
    assert f"\n{permission}\n" in readme
    assert "useradd --create-home --shell /bin/sh --password '*' cucmsh\n" in text
    assert "useradd --create-home --shell /bin/sh --password '*' cucmsh\n" in readme
