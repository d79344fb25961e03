"""A longer check whose rig breaks exits 1; all of them end by one mechanism."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.house.product import ROOT

pytestmark = pytest.mark.thorough

CHECKS = {
    "tests/escape/sweep.py",
    "tests/faults/adoption_sweep.py",
    "tests/faults/kill_sweep.py",
    "tests/faults/password_sweep.py",
    "tests/faults/readers.py",
    "tests/faults/release_sweep.py",
    "tests/faults/restore_sweep.py",
    "tests/faults/seeded_bugs.py",
    "tests/faults/soak.py",
    "tests/roots/walk.py",
}
# Programs that a test starts, whose parent looks at what they do.
PROGRAMS = {
    "tests/clients/by_unicon.py",
    "tests/faults/tracer.py",
    "tests/rigs/lab_tftp.py",
    "tests/rigs/tvs.py",
    "tests/story/transcript.py",
    "tests/terminal/toy_shell.py",
    "tests/vectors/homes/make.py",
}
BROKEN = {
    "thread": (
        "    rig = threading.Thread(target=lambda: 1 / 0)\n"
        "    rig.start()\n"
        "    rig.join()\n"
    ),
    "task": (
        "    async def never_asked():\n"
        "        asyncio.get_running_loop().create_task(fail())\n"
        "        await asyncio.sleep(0)\n"
        "    async def fail():\n"
        "        1 / 0\n"
        "    asyncio.run(never_asked())\n"
    ),
    "callback": (
        "    async def call():\n"
        "        asyncio.get_running_loop().call_soon(lambda: 1 / 0)\n"
        "        await asyncio.sleep(0)\n"
        "    asyncio.run(call())\n"
    ),
    "finaliser": (
        "    class Rig:\n        def __del__(self):\n            1 / 0\n    Rig()\n"
    ),
}
SOUND = "    threading.Thread(target=lambda: sys.exit(5)).start()\n"


def ended(body: str, status: int) -> subprocess.CompletedProcess[str]:
    program = (
        "import asyncio, sys, threading\n"
        "from tests.rigs.longer_check import exit_with\n"
        f"def check():\n{body}    return {status}\n"
        "exit_with(check)\n"
    )
    words = [sys.executable, "-c", program]
    return subprocess.run(words, check=False, capture_output=True, text=True, cwd=ROOT)


@pytest.mark.parametrize("case", list(BROKEN))
def test_a_check_whose_rig_breaks_is_a_failure(case: str) -> None:
    done = ended(BROKEN[case], 0)
    assert done.returncode == 1, done.stderr
    assert "nothing is proven" in done.stdout
    assert "ZeroDivisionError" in done.stderr


@pytest.mark.parametrize("status", [0, 1, 2])
def test_a_check_whose_rig_is_sound_has_its_own_status(status: int) -> None:
    done = ended(SOUND, status)
    assert (done.returncode, done.stdout, done.stderr) == (status, "", "")


def test_every_longer_check_ends_so() -> None:
    main = 'if __name__ == "__main__":\n'
    found = {
        path.relative_to(ROOT).as_posix(): path.read_text().splitlines()[-1].strip()
        for path in ROOT.glob("tests/**/*.py")
        if f"\n{main}" in path.read_text()
    }
    assert set(found) == CHECKS | PROGRAMS
    assert {found[name] for name in CHECKS} == {"exit_with(main)"}
