"""The oracle has been seen to fail: leaks put into a copy of the program are caught."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from tests.escape.attacks import ATTACKS
from tests.escape.modes import Command, Pty
from tests.escape.node import Target
from tests.escape.rig import attack_all
from tests.rigs.draws import some

pytestmark = pytest.mark.terminal
PROJECT = Path(__file__).parents[2]
LINE = next(each for each in ATTACKS if each.name == "shell/semicolon/after-show")
LEAKS = {
    "os.system": "os.system('true')",
    "a pager": "__import__('subprocess').run(['cat', '/dev/null'])",
    "spawn": "os.posix_spawn('/bin/true', ['/bin/true'], {})",
    "a service's argv with one more word": (
        "os.posix_spawn('/bin/true', ['/bin/true', 'service', 'x'], {})"
    ),
    "reads": "open('/etc/shadow').close()",
    "tries to read": "os.open('/etc/no-such', 0)",
    "writes": "open('/var/tmp/cucmsh-leak', 'w').close()",
    "climbs": "open('{home}/../leak', 'w').close()",
    "removes": "os.unlink('/var/tmp/no-such')",
    "links": "os.symlink('/etc/shadow', '/var/tmp/cucmsh-leak-link')",
    "connects": "__import__('socket').socket(2, 2).connect(('192.0.2.1', 9))",
    "an agent": "__import__('socket').socket(1).connect('/var/tmp/no-such-agent')",
    "in a child": "os.fork() or (open('/etc/shadow'), os._exit(0))",
}


def copy_with(tmp_path: Path, leak: str) -> Target:
    """A target whose shell does this before it reads a line."""
    copy = tmp_path / "copy"
    for package in ("cucmsh", "commands"):
        shutil.copytree(PROJECT / package, copy / package)
    grammar = copy / "cucmsh" / "shell" / "grammar.py"
    text = grammar.read_text()
    place = "        if len(line) > LONGEST_LINE:\n"
    assert text.count(place) == 1
    lines = ["import contextlib, os", "with contextlib.suppress(OSError):"]
    lines.append(f"    {leak.replace('{home}', str(tmp_path / 'node' / 'home'))}")
    leaky = "".join(f"        {line}\n" for line in lines)
    grammar.write_text(text.replace(place, leaky + place))
    program = (
        f"import sys; sys.path.insert(0, {str(copy)!r}); "
        "from cucmsh.__main__ import main; main()"
    )
    (tmp_path / "node").mkdir()
    words = (sys.executable, "-I", "-B", "-c", program)
    return Target(tmp_path / "node", words, reads=(copy,))


@pytest.mark.parametrize("leak", some(LEAKS, 5))
def test_a_leak_is_caught_and_the_string_named(tmp_path: Path, leak: str) -> None:
    target = copy_with(tmp_path, LEAKS[leak])
    tally = attack_all(Command(target), [LINE], target.escapes)
    Path("/var/tmp/cucmsh-leak").unlink(missing_ok=True)
    Path("/var/tmp/cucmsh-leak-link").unlink(missing_ok=True)
    assert tally.failures
    assert all(f"command {LINE.name}: " in each for each in tally.failures)


def test_a_leak_is_caught_in_a_session(tmp_path: Path) -> None:
    target = copy_with(tmp_path, LEAKS["os.system"])
    tally = attack_all(Pty(target), ATTACKS[:5], target.escapes)
    assert any("execve" in each for each in tally.failures)


def test_a_copy_without_a_leak_holds(tmp_path: Path) -> None:
    target = copy_with(tmp_path, "pass")
    assert not attack_all(Command(target), [LINE], target.escapes).failures
