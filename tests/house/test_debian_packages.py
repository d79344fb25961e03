"""``tests/run`` asks for Debian packages by name, not for paths others have too."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

RUN = Path(__file__).parents[1] / "run"
STUBS = {
    "dpkg-query": 'for name; do :; done; [ "$name" = tftpd-hpa ] || echo "ii "',
    "id": "echo 1000",
    "python3": '[ "$1" = -c ] || exit 9',  # nothing is installed here
}


def test_a_program_of_the_same_name_is_not_the_package(tmp_path: Path) -> None:
    # atftpd has /usr/sbin/in.tftpd too, and takes none of tftpd-hpa's options.
    bin_folder = tmp_path / "bin"
    (tmp_path / "tests").mkdir()
    bin_folder.mkdir()
    shutil.copy(RUN, tmp_path / "tests/run")
    for name, body in STUBS.items():
        (bin_folder / name).write_text(f"#!/bin/sh\n{body}\n")
        (bin_folder / name).chmod(0o755)
    path = f"{bin_folder}:/usr/sbin:/usr/bin:/bin"
    done = subprocess.run(
        ["/usr/bin/env", f"PATH={path}", "bash", tmp_path / "tests/run", "lint"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    wanted = "Please install these Debian packages first: tftpd-hpa\n"
    assert done.stderr == wanted
