"""Logs into the inventory: once, followed over rotations, with a broken database."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha1
from pathlib import Path

import pytest

from cucmsh.errors import UsageError
from cucmsh.layout import IMPORTED, PHONES
from cucmsh.phones.known import Phone, Recorded
from cucmsh.phones.log_claims import LogClaims
from cucmsh.phones.log_time import LogClock
from cucmsh.services.phones.follow import follow_logs
from cucmsh.services.phones.imports import Imported, import_logs
from cucmsh.services.phones.log_file import BLOCK
from cucmsh.services.phones.open_store import open_inventory
from cucmsh.services.records.served_times import SETTLED_SECONDS
from cucmsh.views.phone_sources import import_lines
from tests.services.made_cluster import SUBSCRIBER, MadeCluster, made_cluster

pytestmark = pytest.mark.thorough

NAME = "SEP0011223344AA"


@pytest.fixture
def cluster(tmp_path: Path) -> MadeCluster:
    made = made_cluster(tmp_path)
    made.publisher.start()
    made.clock.pass_seconds(2 * SETTLED_SECONDS)
    return made


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "syslog"


def line(cluster: MadeCluster, file: str = "ITLFile.tlv", address: int = 9) -> str:
    """A line of tftpd-hpa of now; the clock goes on by a minute behind it."""
    now = cluster.clock.now().isoformat(timespec="seconds")
    cluster.clock.pass_seconds(60)
    return f"{now} pub in.tftpd[7]: RRQ from 10.1.1.{address} filename {file}\n"


def named(cluster: MadeCluster, number: int) -> str:
    return line(cluster, f"CTLSEP{number:012X}.tlv", number)


def phone(cluster: MadeCluster, name: str = NAME) -> Phone:
    with open_inventory(cluster.site) as store:
        (found,) = store.find([name])
        return found


def sightings(cluster: MadeCluster) -> int:
    with sqlite3.connect(Path(cluster.site.settings.home, PHONES)) as there:
        (count,) = there.execute("SELECT count(*) FROM sightings").fetchone()
    there.close()
    return int(count)


def test_a_log_names_the_phone_and_the_list_that_was_served(
    cluster: MadeCluster, log: Path
) -> None:
    garbage = "\0\x07 no log at all\nITLFile.tlv of nobody\n"
    asked = line(cluster, f"CTLSEP{NAME[3:]}.tlv") + line(cluster)
    log.write_text(asked + garbage)
    done = import_logs(cluster.site, [str(log)])
    assert done.problem is None
    assert done.recorded == Recorded(2, 1, new=2)
    (counts,) = [entry.counts for entry in done.logs]
    assert (counts.lines, counts.about_lists, counts.unread) == (4, 2, 1)
    said = next(import_lines(done))
    assert "1 not understood (the first is line 4: 'ITLFile.tlv of nobody')" in said
    assert phone(cluster).itl == sha1(cluster.publisher.raw).hexdigest()
    assert phone(cluster).node == cluster.site.node.name
    before = sightings(cluster)
    again = import_logs(cluster.site, [str(log)])
    assert sightings(cluster) == before
    assert [*import_lines(again)][-1] == (
        "Recorded: 2 claims about 1 phones; 0 say something new."
    )
    with log.open("a") as file:
        file.write(line(cluster).replace("ITLFile.tlv", "ITLFile.tlv.sgn"))
    assert import_logs(cluster.site, [str(log)]).recorded.new <= 1


def test_of_another_node_s_log_no_list_is_known(
    cluster: MadeCluster, log: Path
) -> None:
    log.write_text(line(cluster, f"CTLSEP{NAME[3:]}.tlv") + line(cluster))
    import_logs(cluster.site, [str(log)], SUBSCRIBER)
    assert (phone(cluster).itl, phone(cluster).node) == ("", SUBSCRIBER)
    with pytest.raises(UsageError):
        import_logs(cluster.site, [str(log)], "nobody")


@pytest.mark.parametrize("kind", ["missing", "folder", "compressed", "pipe"])
def test_what_is_no_log_is_refused_in_a_sentence(
    cluster: MadeCluster, log: Path, kind: str
) -> None:
    if kind == "folder":
        log.mkdir()
    elif kind == "compressed":
        log.write_bytes(b"\x1f\x8b\x08\0\0\0\0\0\0")
    elif kind == "pipe":
        os.mkfifo(log)
    done = import_logs(cluster.site, [str(log)])
    assert done.problem is not None
    assert str(log) in done.problem.message


def broken(cluster: MadeCluster, how: str) -> Callable[[], None]:
    """Make the inventory unusable; the call mends it."""
    path = Path(cluster.site.settings.home, PHONES)
    if how == "garbage":
        whole = path.read_bytes()
        path.write_bytes(b"no database at all" * 1000)

        def restore() -> None:
            path.write_bytes(whole)

        return restore
    aside = path.with_name("aside")
    path.rename(aside)
    path.mkdir()  # nothing can be opened there, not even by root

    def mend() -> None:
        path.rmdir()
        aside.rename(path)

    return mend


@pytest.mark.parametrize("how", ["garbage", "folder"])
def test_a_broken_database_is_one_sentence_and_loses_nothing(
    cluster: MadeCluster, log: Path, how: str
) -> None:
    log.write_text(named(cluster, 1))
    import_logs(cluster.site, [str(log)])
    mend = broken(cluster, how)
    log.write_text(log.read_text() + named(cluster, 2))
    done = import_logs(cluster.site, [str(log)])
    assert done.problem is not None
    assert done.problem.message.isprintable()
    assert done.recorded.claims == 0
    mend()
    assert import_logs(cluster.site, [str(log)]).problem is None
    assert phone(cluster, "SEP000000000002").address == "10.1.1.2"


# --- Following.


class Steps:
    """A dialog that does one thing whenever the follower has nothing to do."""

    def __init__(self, cluster: MadeCluster, *steps: Callable[[], object]) -> None:
        self._cluster = cluster
        self._steps = list(steps)
        self.said: list[str] = []
        self.waits: list[float] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def is_over(self, seconds: float) -> bool:
        if not seconds:
            return False
        self.waits.append(seconds)
        if not self._steps:
            return True
        self._cluster.clock.pass_seconds(10)
        self._steps.pop(0)()
        return False


def follow(
    cluster: MadeCluster, log: Path, *steps: Callable[[], object]
) -> tuple[Imported, Steps]:
    dialog = Steps(cluster, *steps, lambda: None, lambda: None)
    return follow_logs(cluster.site, [str(log)], dialog), dialog


def names(cluster: MadeCluster) -> set[int]:
    with open_inventory(cluster.site) as store:
        found = store.find(f"SEP{number:012X}" for number in range(100))
        return {int(entry.name[3:], 16) for entry in found}


def append(cluster: MadeCluster, log: Path, *numbers: int) -> Callable[[], None]:
    def write() -> None:
        with log.open("a") as file:
            file.writelines(named(cluster, number) for number in numbers)

    return write


def test_what_is_written_while_it_is_followed_is_taken(
    cluster: MadeCluster, log: Path
) -> None:
    append(cluster, log, 1)()
    done, _ = follow(cluster, log, append(cluster, log, 2, 3), append(cluster, log, 4))
    assert names(cluster) == {1, 2, 3, 4}
    assert done.logs[0].counts.about_lists == 4


def test_half_a_line_is_waited_for(cluster: MadeCluster, log: Path) -> None:
    whole = named(cluster, 1)
    log.write_text(whole[:60])
    follow(cluster, log, lambda: log.write_text(whole))
    assert names(cluster) == {1}


def rotated(cluster: MadeCluster, log: Path) -> list[Callable[[], object]]:
    """Renamed and made anew; the old one is written for a moment longer."""
    old = log.with_name("syslog.1")

    def rename() -> None:
        log.rename(old)
        append(cluster, old, 2)()

    def make_anew() -> None:
        log.touch()
        append(cluster, old, 3)()

    return [rename, make_anew, append(cluster, log, 4)]


def copied(cluster: MadeCluster, log: Path) -> list[Callable[[], object]]:
    """Copied and cut; what was written just before is in the copy only."""

    def copy() -> None:
        append(cluster, log, 2, 3)()
        log.with_name("syslog.1").write_bytes(log.read_bytes())
        os.truncate(log, 0)

    return [copy, append(cluster, log, 4)]


def copied_and_grown(cluster: MadeCluster, log: Path) -> list[Callable[[], object]]:
    """As ``copied``; what is new is as long as what was."""

    def copy() -> None:
        append(cluster, log, 2, 3)()
        log.with_name("syslog-20261203").write_bytes(log.read_bytes())
        os.truncate(log, 0)
        append(cluster, log, 4, 4, 4, 4, 4, 4)()

    return [copy]


@pytest.mark.parametrize("rotation", [rotated, copied, copied_and_grown])
@pytest.mark.parametrize("is_restarted", [False, True])
def test_a_rotated_log_is_read_to_its_end_and_from_its_beginning(
    cluster: MadeCluster,
    log: Path,
    rotation: Callable[[MadeCluster, Path], list[Callable[[], object]]],
    is_restarted: bool,
) -> None:
    append(cluster, log, 1)()
    steps = rotation(cluster, log)
    if is_restarted:
        follow(cluster, log)
        for step in steps:
            step()
        steps = []
    done, dialog = follow(cluster, log, *steps, bool, bool, bool)
    assert names(cluster) == {1, 2, 3, 4}
    assert not dialog.said
    assert done.logs[0].counts.unread == 0


def test_a_restart_counts_nothing_twice(cluster: MadeCluster, log: Path) -> None:
    append(cluster, log, 1, 2)()
    first, _ = follow(cluster, log)
    count = sightings(cluster)
    again, _ = follow(cluster, log)
    assert sightings(cluster) == count
    assert again.logs[0].counts.lines < first.logs[0].counts.lines
    append(cluster, log, 3)()
    follow(cluster, log)
    assert sightings(cluster) == count + 1


def test_what_is_gone_is_said(cluster: MadeCluster, log: Path) -> None:
    append(cluster, log, 1)()
    follow(cluster, log)
    log.unlink()
    append(cluster, log, 2)()
    _, dialog = follow(cluster, log)
    assert names(cluster) == {1, 2}
    assert len(dialog.said) == 1
    assert "rotated away" in dialog.said[0]


@pytest.mark.parametrize("raw", [b"", b"{}", b"[1", b'[1,2,-3,0,""]', b'[""]'])
def test_a_damaged_note_reads_the_log_again(
    cluster: MadeCluster, log: Path, raw: bytes
) -> None:
    append(cluster, log, 1)()
    follow(cluster, log)
    (note,) = Path(cluster.site.settings.home, IMPORTED).iterdir()
    note.write_bytes(raw)
    count = sightings(cluster)
    follow(cluster, log)
    assert sightings(cluster) == count


@pytest.mark.parametrize("how", ["garbage", "folder"])
def test_while_the_database_is_down_nothing_is_lost(
    cluster: MadeCluster, log: Path, how: str
) -> None:
    append(cluster, log, 1)()
    follow(cluster, log)
    (note,) = Path(cluster.site.settings.home, IMPORTED).iterdir()
    mend = broken(cluster, how)
    before = note.read_bytes()
    append(cluster, log, 2)()
    during: list[bytes] = []
    done, dialog = follow(
        cluster,
        log,
        append(cluster, log, 3),
        lambda: during.append(note.read_bytes()),
        mend,
        append(cluster, log, 4),
    )
    assert during == [before]
    assert names(cluster) == {1, 2, 3, 4}
    assert len(dialog.said) == 3  # what is wrong, that nothing is lost, that it is over
    assert done.problem is None
    assert max(dialog.waits) > min(dialog.waits)


def test_ended_while_the_database_is_down_it_goes_on_where_it_was(
    cluster: MadeCluster, log: Path
) -> None:
    append(cluster, log, 1)()
    follow(cluster, log)
    mend = broken(cluster, "folder")
    append(cluster, log, 2)()
    follow(cluster, log)
    mend()
    follow(cluster, log)
    assert names(cluster) == {1, 2}


def test_a_line_without_an_end_is_passed_over(cluster: MadeCluster, log: Path) -> None:
    with log.open("w") as file:
        file.write(named(cluster, 1))
        file.write("x" * (3 * BLOCK) + f" {named(cluster, 2)}")
        file.write(named(cluster, 3))
    done, _ = follow(cluster, log)
    assert names(cluster) == {1, 3}
    assert done.logs[0].overlong == 1


@pytest.mark.parametrize("is_followed", [False, True])
def test_so_is_one_of_a_pipe_with_its_tail(
    cluster: MadeCluster, monkeypatch: pytest.MonkeyPatch, *, is_followed: bool
) -> None:
    overlong = "x" * (3 * BLOCK) + f" {named(cluster, 2)}"
    sent = (named(cluster, 1) + overlong + named(cluster, 3)).encode()
    pieces = [sent[at : at + BLOCK // 3] for at in range(0, len(sent), BLOCK // 3)]
    give = iter([*pieces, b""])
    module = "follow" if is_followed else "imports"
    whole = f"cucmsh.services.phones.{module}"
    monkeypatch.setattr(f"{whole}.read_input", lambda: next(give))
    if is_followed:
        monkeypatch.setattr(f"{whole}.select.select", lambda *_: ([0], [], []))
        done = follow_logs(cluster.site, ["-"], Steps(cluster))
    else:
        done = import_logs(cluster.site, ["-"])
    assert names(cluster) == {1, 3}
    assert done.logs[0].overlong == 1


def test_a_minute_of_many_names_is_held_within_bounds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("cucmsh.phones.log_claims.MOST_SAID", 10)
    reader = LogClaims(LogClock(datetime(2026, 12, 1, 9, tzinfo=UTC)), "pub")
    for number in range(25):
        said = "2026-12-01T08:00:00+00:00 pub in.tftpd[7]: RRQ from 10.1.1.9 filename"
        reader.read(f"{said} CTLSEP{number:012X}.tlv\n".encode())
        assert len(reader._said) <= 10  # noqa: SLF001 - what is held
