"""Every verb shows its help with status 0, and takes both forms of an option."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cucmsh.cli.doctor import doctor_parser
from cucmsh.cli.lab import lab_parser, read
from cucmsh.cli.verify import verify_parser
from cucmsh.errors import UsageError
from cucmsh.lab.command import LabOptions

pytestmark = pytest.mark.thorough

CUCMSH = [sys.executable, "-I", "-m", "cucmsh"]
VERBS = (
    *("lab", "verify", "doctor", "hook", "init", "node", "preview"),
    *("init publisher", "init --sshd", "node add", "node list", "node remove x"),
)


def call(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*CUCMSH, *words],
        env={"PATH": os.defpath},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("flag", ["--help", "-h"])
@pytest.mark.parametrize("verb", VERBS)
def test_verb_shows_its_help(verb: str, flag: str) -> None:
    done = call(*verb.split(), flag)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: cucmsh ")
    assert max(map(len, done.stdout.splitlines())) <= 88
    assert not re.search(r"\n\n$", done.stdout)


def test_help_needs_no_other_word_to_be_right() -> None:
    assert call("lab", "--subscribers", "99", "--help").returncode == 0
    assert call("--config", "/nowhere", "doctor", "--help").returncode == 0
    assert call("verify", "--", "--help").returncode == 1  # a file of that name


@pytest.mark.parametrize(
    "words",
    [
        ["--dir", "/x", "--subscribers", "3", "--serve"],
        ["--dir=/x", "--subscribers=3", "--serve"],
        ["--serve", "--subscribers=3", "--dir", "/x"],
    ],
)
def test_both_forms_of_an_option_are_one(words: list[str]) -> None:
    assert read(words) == LabOptions(3, "/x", serve=True)


@pytest.mark.parametrize("words", [["--against=/h", "/f"], ["/f", "--against", "/h"]])
def test_verify_takes_both_forms_in_any_order(words: list[str]) -> None:
    found = verify_parser().read(words)
    assert (found.files, found.against, found.asked) == (["/f"], ["/h"], None)


@pytest.mark.parametrize("form", ["--config={}", "--config {}"])
def test_configuration_too(tmp_path: Path, form: str) -> None:
    path = tmp_path / "none.toml"
    done = call(*form.format(path).split(), "-c", "show itl")
    assert done.returncode == 2
    assert f"{path}: there is no such configuration file" in done.stderr


@pytest.mark.parametrize(
    ("verb", "words"),
    [
        ("lab", ["--dir"]),
        ("lab", ["--dir="]),
        ("lab", ["--dir", "a\nb"]),
        ("lab", ["--subscribers", "17"]),
        ("lab", ["--subscribers", "²"]),
        ("lab", ["--sub", "2"]),
        ("lab", ["now"]),
        ("verify", []),
        ("verify", ["--against", "a"]),
        ("doctor", ["--nosuch"]),
    ],
)
def test_wrong_words_name_the_verb_and_its_help(verb: str, words: list[str]) -> None:
    parsers = {"lab": lab_parser, "verify": verify_parser, "doctor": doctor_parser}
    with pytest.raises(UsageError) as caught:
        parsers[verb]().read(words)
    assert f"{verb}: " in caught.value.message
    assert f"{verb} --help" in caught.value.advice
