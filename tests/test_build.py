"""The build in the version line: of the installed modules, and of nothing else."""

import re
import subprocess
import sys
import sysconfig
from pathlib import Path
from zlib import crc32

import pytest

from cucmsh.build import UNINSTALLED, build_of

RECORD = """\
../../../bin/cucmsh,sha256=abc,220
commands/itl.py,sha256=B,10
cucmsh/app.py,sha256=A,10
cucmsh/__pycache__/app.cpython-311.pyc,,
cucmsh-0.1.0.dist-info/RECORD,,
cucmsh-0.1.0.dist-info/direct_url.json,sha256=xyz,80
"""


def test_build_is_of_the_modules_alone() -> None:
    elsewhere = RECORD.replace("abc", "other").replace("311", "313")
    assert build_of(elsewhere) == build_of(RECORD)
    assert build_of("\n".join(reversed(RECORD.splitlines()))) == build_of(RECORD)
    assert build_of(RECORD.replace("sha256=A", "sha256=C")) != build_of(RECORD)
    assert build_of("") == UNINSTALLED


@pytest.mark.thorough
def test_version_says_what_is_installed() -> None:
    words = [sys.executable, "-I", "-m", "cucmsh", "--version"]
    said = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    assert re.fullmatch(r"cucmsh 0\.1\.0 \(build [0-9a-f]{8}\)\n", said)
    place = Path(sysconfig.get_path("purelib"))
    (record,) = place.glob("cucmsh-*.dist-info/RECORD")
    modules = sorted(
        line
        for line in record.read_text().splitlines()
        if re.match(r"(cucmsh|commands)/.*\.py,sha256=", line)
    )
    assert f"{crc32(chr(10).join(modules).encode()):08x}" in said
