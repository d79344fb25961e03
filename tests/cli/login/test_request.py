"""What a login asks for, and what is left of its environment."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cucmsh.cli.login.environment import FIXED, KNOWN_BY_SSHD, clean
from cucmsh.cli.login.request import (
    ASKED,
    INSTEAD,
    is_transfer,
    requested,
)
from cucmsh.errors import UsageError

PROGRAM = "/usr/local/bin/cucmsh-login"


@pytest.mark.parametrize(
    ("words", "asked", "line"),
    [
        ([], None, None),
        ([], "show itl", "show itl"),
        (["-c", "show itl"], None, "show itl"),
        # sshd runs the forced command through our own shell
        (["-c", PROGRAM], None, None),
        (["-c", PROGRAM], "show itl", "show itl"),
        (["-c", PROGRAM], PROGRAM, PROGRAM),
        # what the shell was told wins over a variable that a client may have sent
        (["-c", "show itl"], "quit", "show itl"),
        (["-c", f"{PROGRAM} -c x"], None, f"{PROGRAM} -c x"),
        (["-c", ""], None, ""),
    ],
)
def test_request_is_the_prompt_or_one_line(
    words: list[str], asked: str | None, line: str | None
) -> None:
    environment = {} if asked is None else {ASKED: asked}
    assert requested([PROGRAM, *words], environment) == line


def test_another_name_of_the_program_is_the_program(tmp_path: Path) -> None:
    program, link = tmp_path / "program", tmp_path / "link"
    program.touch()
    link.symlink_to(program)
    assert requested([str(program), "-c", str(link)], {}) is None
    assert requested([str(program), "-c", "program"], {}) == "program"


@pytest.mark.parametrize("words", [["-i"], ["-c"], ["-c", "a", "b"], ["-l"], ["lab"]])
def test_other_words_are_refused(words: list[str]) -> None:
    with pytest.raises(UsageError):
        requested([PROGRAM, *words], {ASKED: "show itl"})


@pytest.mark.parametrize(
    "line", ["scp -t .", " /usr/bin/scp", "rsync\t--server", "internal-sftp", "sftp"]
)
def test_transfer_is_told_from_a_command(line: str) -> None:
    assert is_transfer(line)
    assert "\n" not in INSTEAD


def test_command_is_no_transfer() -> None:
    assert not any(map(is_transfer, ("", " ", "show itl", "file get tftp scp", "scpx")))


@pytest.mark.thorough
@given(st.dictionaries(st.text(), st.text()))
def test_cleaned_environment_holds_nothing_but_what_sshd_knows(
    sent: dict[str, str],
) -> None:
    environment = {**sent, "PYTHONPATH": "/x", "HOME": "/x", "PATH": "/x", "TZ": "x"}
    before = dict(environment)
    assert clean(environment) == before
    assert environment.keys() <= {*FIXED, *KNOWN_BY_SSHD, "TERM"}
    assert FIXED.items() <= environment.items()
    assert all(value.isprintable() for value in environment.values())


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("xterm-256color", "xterm-256color"),
        ("screen.xterm", "screen.xterm"),
        ("", "dumb"),
        ("../../x", "dumb"),
        ("a..b", "dumb"),
        ("x\x1b[31m", "dumb"),
        ("x" * 65, "dumb"),
    ],
)
def test_terminal_is_a_name_and_no_path(sent: str, kept: str) -> None:
    environment = {"TERM": sent}
    clean(environment)
    assert environment["TERM"] == kept
