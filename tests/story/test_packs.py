"""Packs of other people in the installed program: the page's, and bad ones."""

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

pytestmark = pytest.mark.thorough

PAGE = Path(__file__).parents[2] / "docs" / "programs.md"
CONFIGURATION = """
packs = {packs}
[node]
name = "pub"
home = "{home}"
[cluster]
domain = "example.org"
subject = "O=example;C=US"
[[cluster.nodes]]
name = "pub"
role = "publisher"
services = []
"""
# The way in that installing takes: a folder of packages on the path.
PROGRAM = (
    "import sys; sys.path.append({path!r}); sys.argv[0] = 'cucmsh'\n"
    "from cucmsh.__main__ import main; sys.exit(main())"
)
HOSTILE = "raise ValueError('a \\x1b[31msecret')\n"


def write_readme_pack(folder: Path) -> list[str]:
    """Write the files that docs/programs.md shows; gives their lines of code."""
    blocks = re.findall(
        r"```python\n# (my_pack/\w+\.py)\n(.*?)```", PAGE.read_text(), re.DOTALL
    )
    for name, text in blocks:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return [line for _, text in blocks for line in text.splitlines() if line]


def call(
    folder: Path, packs: Sequence[str], *words: str, typed: str = ""
) -> subprocess.CompletedProcess[str]:
    config = folder / "cucmsh.toml"
    home = folder / "home"
    home.mkdir(exist_ok=True)
    config.write_text(CONFIGURATION.format(packs=json.dumps(list(packs)), home=home))
    return subprocess.run(
        [
            *(sys.executable, "-I", "-c", PROGRAM.format(path=str(folder))),
            *("--config", str(config), *words),
        ],
        input=typed,
        capture_output=True,
        check=False,
        text=True,
    )


def test_the_pack_of_the_readme_has_ten_lines_and_runs(tmp_path: Path) -> None:
    lines = write_readme_pack(tmp_path)
    assert len(lines) <= 10
    done = call(tmp_path, ["my_pack"], "-c", "show clock")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"\d\d:\d\d:\d\d UTC\n", done.stdout)
    shown = call(tmp_path, ["my_pack"], "-c", "help show clock")
    assert "Show the time of this node." in shown.stdout


def test_a_broken_pack_costs_one_line_and_no_traceback(tmp_path: Path) -> None:
    write_readme_pack(tmp_path)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "__init__.py").write_text("PACK = 1\n")
    (tmp_path / "broken" / "a.py").write_text(HOSTILE)
    packs = ["broken", "my_pack"]
    done = call(tmp_path, packs, "-c", "show clock")
    assert (done.returncode, done.stdout[-4:]) == (0, "UTC\n")
    assert done.stderr == (
        "Warning: The command pack 'broken' broke off with ValueError while 'broken.a' "
        "was imported\n"
    )
    session = call(tmp_path, packs, typed="show clock\nshow clock\nquit\n")
    assert session.returncode == 0
    assert session.stdout.count("Warning: The command pack 'broken'") == 1
    assert session.stdout.count("UTC\n") == 2
    errors = (tmp_path / "home" / "log" / "errors").read_text()
    assert "ValueError at packs.py:" in errors
    assert "a.py:1" in errors
    assert "secret" not in errors + session.stdout + session.stderr + done.stderr


def test_two_packs_with_one_phrase_end_the_login_and_are_named(tmp_path: Path) -> None:
    write_readme_pack(tmp_path)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "__init__.py").write_text("PACK = 1\n")
    clock = (tmp_path / "my_pack" / "clock.py").read_text()
    (tmp_path / "other" / "time.py").write_text(clock)
    done = call(tmp_path, ["my_pack", "other"], "-c", "show clock")
    assert done.returncode == 1
    assert "my_pack.clock.show_clock and other.time.show_clock" in done.stdout


@pytest.mark.parametrize("name", ["json", "os", "cucmsh", "commands.itl", "../x", ""])
def test_what_is_no_pack_is_left_out(tmp_path: Path, name: str) -> None:
    done = call(tmp_path, [name], "-c", "show version active")
    assert done.returncode == 0
    assert done.stderr.startswith("Warning: ")
    assert done.stderr.count("\n") == 1
