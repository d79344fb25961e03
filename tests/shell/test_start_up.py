import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[2]
ON_THE_WAY = "cucmsh.shell.session, cucmsh.shell.packs"
HEAVY = (
    "argparse asyncio dataclasses importlib.metadata inspect logging pathlib "
    "prompt_toolkit random shutil subprocess tempfile unittest"
)


def test_nothing_heavy_is_imported_on_the_way_to_the_prompt() -> None:
    program = (
        f"import sys; sys.path.insert(0, {str(PROJECT)!r}); before = set(sys.modules)\n"
        f"import {ON_THE_WAY}\n"
        f"sys.exit(' '.join(set({HEAVY.split()}) & (set(sys.modules) - before)))"
    )
    finished = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program],
        capture_output=True,
        check=False,
        text=True,
    )
    assert finished.stderr.strip() == ""
