"""What /proc and /etc say of a machine; what they do not say is left out."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from cucmsh.services.nodes.machine import Machine, Memory

UTMP_ENTRY = 384


def entry(kind: int, user: bytes) -> bytes:
    raw = kind.to_bytes(4, "little") + bytes(40) + user.ljust(32, b"\0")
    return raw.ljust(UTMP_ENTRY, b"\0")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    for folder in ("etc", "proc", "run"):
        (tmp_path / folder).mkdir()
    return Machine(str(tmp_path))


def test_nothing_is_made_up_where_nothing_is(machine: Machine, tmp_path: Path) -> None:
    assert machine.operating_system() == ""
    assert machine.zone() == ""
    assert machine.users() is None
    assert machine.load() is None
    assert machine.processor(0) is None
    assert machine.memory() is None
    assert machine.disk(str(tmp_path / "none")) is None
    assert not machine.runs("sshd")


def test_files_are_read(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "etc/os-release").write_text('ID=debian\nPRETTY_NAME="Debian 12"\n')
    (tmp_path / "etc/localtime").symlink_to("/usr/share/zoneinfo/America/New_York")
    (tmp_path / "proc/loadavg").write_text("0.47 0.29 0.21 1/300 99\n")
    entries = [entry(2, b"reboot"), entry(7, b"joe"), entry(7, b""), entry(8, b"ann")]
    (tmp_path / "run/utmp").write_bytes(b"".join(entries))
    (tmp_path / "proc/meminfo").write_text(
        "MemTotal: 8062096 kB\nMemFree: 198956 kB\nBuffers: 175540 kB\n"
        "Cached: 2823212 kB\nShmem: 12 kB\n"
    )
    assert machine.operating_system() == "Debian 12"
    assert machine.zone() == "America/New_York"
    assert machine.load() == (0.47, 0.29, 0.21)
    assert machine.users() == 1
    memory = machine.memory()
    assert memory == Memory(8062096, 198956, 2823212, 12, 175540)
    assert memory.used == 7863140


def test_zone_without_a_link_is_read_by_its_name(
    machine: Machine, tmp_path: Path
) -> None:
    (tmp_path / "etc/localtime").write_bytes(b"TZif")
    (tmp_path / "etc/timezone").write_text("Europe/Berlin\n")
    assert machine.zone() == "Europe/Berlin"


def test_processor_is_what_was_spent_between_two_looks(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stat = tmp_path / "proc/stat"
    stat.write_text("cpu  100 0 50 800 10 0 0 0 0 0\ncpu0 1 2 3\n")
    later = "cpu  103 1 52 893 11 0 0 0 0 0\n"
    monkeypatch.setattr("time.sleep", lambda _: stat.write_text(later))
    found = machine.processor()
    assert found is not None
    assert (found.idle, found.system, found.user, found.iowait) == (93, 2, 4, 1)
    assert machine.processor() is None  # the counters stand still


@pytest.mark.parametrize("junk", ["", "cpu", "cpu a b", "cpu 1 2", "\0\0"])
def test_junk_is_nothing(machine: Machine, tmp_path: Path, junk: str) -> None:
    for name in ("stat", "meminfo", "loadavg"):
        (tmp_path / "proc" / name).write_text(junk)
    assert machine.processor(0) is None
    assert machine.memory() is None
    assert machine.load() is None


@pytest.mark.parametrize(
    ("command_line", "runs"),
    [
        ("sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups", True),
        ("/opt/sbin/sshd\0-D\0", True),
        ("sshd: joe [priv]", False),
        ("sshd: joe@pts/0", False),
    ],
)
def test_session_of_sshd_is_not_its_daemon(
    machine: Machine, tmp_path: Path, command_line: str, runs: bool
) -> None:
    process = tmp_path / "proc/77"
    process.mkdir()
    (process / "comm").write_text("sshd\n")
    (process / "stat").write_text("77 (ss) hd) S 1 77 77 0 -1\n")
    (process / "cmdline").write_text(command_line)
    assert machine.runs("sshd") == runs
    assert not machine.runs("nscd")
    (process / "stat").write_text("77 (sshd) S 4711 77 77 0 -1\n")
    assert not machine.runs("sshd")  # somebody's own


def test_this_machine_is_really_measured(tmp_path: Path) -> None:
    machine = Machine()
    memory = machine.memory()
    assert memory
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert memory.total == pages // 1024
    disk = machine.disk(str(tmp_path))
    assert disk
    said = subprocess.run(
        [str(shutil.which("df")), "-kP", str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()[1]
    total, used, free, percent = said.split()[1:5]
    assert disk.total == int(total)
    # Others write to this disk meanwhile.
    slack = disk.total / 50 + 1
    assert abs(disk.used - int(used)) < slack
    assert abs(disk.free - int(free)) < slack
    assert abs(disk.percent - int(percent.rstrip("%"))) <= 2
    assert machine.load()
