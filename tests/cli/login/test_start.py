"""The unit before the TFTP service, with everything broken that broke on real servers.

No systemd runs here: what it would run is run, as its account, from the shipped units.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from cucmsh.views.units import TftpUnit, unit_files
from tests.cli.login.box import CUCMSH, PYTHON, SETTINGS, Box
from tests.rigs.draws import some

pytestmark = [pytest.mark.loopback]

PACKAGES = "/opt/cucmsh/lib/python{}.{}/site-packages".format(*sys.version_info)
TFTP, HOME = "/srv/tftp", "/var/lib/cucmsh"
LIST = f"{TFTP}/ITLFile.tlv"
PROGRAM = (PYTHON, "-I", "-m", "cucmsh")
UNITS = dict(unit_files(TftpUnit("tftpd-hpa", PROGRAM, "cucmsh", HOME, True)))
BEFORE = UNITS["/etc/systemd/system/cucmsh-list.service"]
FILL = f"""
cp -a {TFTP} /srv/kept
mount -t tmpfs -o size=64k full {TFTP}
cp -a /srv/kept/ITLFile.tlv {TFTP}
chown cucmsh: {TFTP}
dd if=/dev/zero of={TFTP}/fill bs=1k 2>/dev/null || true
"""
# What breaks it, and what mends it.
BREAKS = {
    "directory of root's": (f"chown root: {TFTP}", f"chown cucmsh: {TFTP}"),
    "read-only directory": (
        f"mount --bind {TFTP} {TFTP}; mount -o remount,bind,ro {TFTP}",
        f"umount {TFTP}",
    ),
    "full disk": (FILL, f"umount {TFTP}; rm -r /srv/kept"),
    "home of root's": (f"chown -R root: {HOME}/state", f"chown -R cucmsh: {HOME}"),
    "unreadable log": (
        f"mv {HOME}/log {HOME}/log.away; mkdir {HOME}/log",
        f"rmdir {HOME}/log; mv {HOME}/log.away {HOME}/log",
    ),
    "installed under umask 077": (
        f"chmod -R go= {PACKAGES}/cucmsh",
        f"chmod -R go=rX {PACKAGES}/cucmsh",
    ),
    "Python is gone": (f"mv {PYTHON} {PYTHON}.away", f"mv {PYTHON}.away {PYTHON}"),
    "unreadable configuration": (
        f"chown root: {SETTINGS}; chmod 600 {SETTINGS}",
        f"chown cucmsh: {SETTINGS}; chmod 644 {SETTINGS}",
    ),
}
TOLD_BY_SYSTEMD_ONLY = {"home of root's"}  # nothing can be kept there
HARMLESS = {"unreadable log"}


class Ended(NamedTuple):
    status: int
    said: str


def start(box: Box) -> Ended:
    """The unit, as systemd runs it."""
    found = re.search(r"^ExecStart=(.*)$", BEFORE, re.MULTILINE)
    after = re.search(r'^ExecStopPost=-/bin/sh -c "(.*)"$', BEFORE, re.MULTILINE)
    assert found
    assert after
    who = ["setpriv", "--reuid=cucmsh", "--regid=cucmsh", "--clear-groups"]
    status, said = box.try_root([*who, *found.group(1).split()])
    status = 203 if status in (126, 127) else status  # as systemd has it
    result = "exit-code" if status else "success"
    told = [f"SERVICE_RESULT={result}", "EXIT_CODE=exited", f"EXIT_STATUS={status}"]
    line = after.group(1).replace("$$", "$")
    box.try_root([*who, "env", *told, "/bin/sh", "-c", line])
    return Ended(status, said)


@pytest.fixture(params=some(BREAKS, 4))
def broken(request: pytest.FixtureRequest, box: Box) -> Iterator[str]:
    name = str(request.param)
    spoil, mend = BREAKS[name]
    box.root(["sh", "-c", spoil])
    yield name
    box.try_root(["sh", "-c", mend])
    assert start(box).status == 0


def test_good_list_stays_and_everybody_is_told(box: Box, broken: str) -> None:
    before = box.root(["sha256sum", LIST])
    ended = start(box)
    if broken in HARMLESS:
        assert ended.status == 0
        return
    assert ended.status != 0
    assert ended.said
    assert "Traceback" not in ended.said
    assert box.root(["sha256sum", LIST]) == before
    assert box.root(["find", TFTP, "-name", "*.tmp*"]) == ""
    box.root(["sh", "-c", BREAKS[broken][1]])  # mended, but not started anew
    if broken in TOLD_BY_SYSTEMD_ONLY:
        return
    told = box.root([CUCMSH], "quit\n").split("admin:")[0]
    assert "TFTP start" in told
    said = box.try_root([CUCMSH, "doctor"])[1]
    assert re.search(r"^fail .*TFTP start", said, re.MULTILINE)
    assert start(box).status == 0
    told = box.root([CUCMSH], "quit\n").split("admin:")[0]
    assert "TFTP start" not in told
