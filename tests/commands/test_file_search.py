"""``file search``, ``tail``, ``delete`` and the logs: the original's forms."""

from __future__ import annotations

import os
import re
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from cucmsh.errors import MissingFileError, RefusedError, UsageError
from cucmsh.layout import CISCO_SYSLOG
from cucmsh.shell.scripted import ScriptedDialog
from cucmsh.storage.search import MOST_BYTES
from tests.commands.calls import call, dialog_with, run
from tests.commands.test_files import ANSWERS
from tests.services.made_cluster import MadeCluster

pytestmark = pytest.mark.thorough

SYSLOG = "syslog/CiscoSyslog"
ACTIVE = "/var/log/active"
CONFIRM = 'Enter "y" followed by return to continue: '
OLD, NEW = "an old alarm", "%UC_CERT-4-ITLRecoveryCertBackup: one"


@pytest.fixture
def logs(cluster: MadeCluster) -> Path:
    """The folder of the logs, with alarms, an earlier file, and both other logs."""
    folder = Path(cluster.site.home.root, "log")
    (folder / "syslog").mkdir(parents=True, exist_ok=True)
    (folder / SYSLOG).write_text(f"{NEW}\nsecond\n")
    (folder / f"{SYSLOG}.1").write_text(f"{OLD}\n")
    (folder / "audit").write_text("{}\n")
    (folder / "errors").write_text("broken\n")
    for age, name in enumerate(("errors", f"{SYSLOG}.1", "audit", SYSLOG)):
        os.utime(folder / name, (1e9 + age, 1e9 + age))
    return folder


def test_logs_in_folders_are_listed_and_viewed(
    cluster: MadeCluster, logs: Path
) -> None:
    called = call(cluster.site, "file list activelog *")
    assert called.lines[0] == "<dir>    syslog"
    assert called.lines[-2] == "dir count = 1, file count = 2"
    called = call(cluster.site, "file list activelog syslog")
    assert called.lines[:2] == ["CiscoSyslog", "CiscoSyslog.1"]
    assert call(cluster.site, f"file view activelog {SYSLOG}").lines[:1] == [NEW]
    assert logs.is_dir()


@pytest.mark.usefixtures("logs")
def test_detail_is_the_originals_and_options_may_be_cut(cluster: MadeCluster) -> None:
    called = call(cluster.site, "file list activelog * det")
    day = r"\d\d [A-Z][a-z]{2},\d{4} \d\d:\d\d:\d\d"
    assert re.fullmatch(f"{day}      <dir>    syslog", called.lines[0])
    assert re.fullmatch(f"{day}            3  audit", called.lines[1])
    assert called.lines[-2] == "dir count = 1, file count = 2"
    assert call(cluster.site, "file list activelog syslog/* date").lines[:2] == [
        *("CiscoSyslog.1", "CiscoSyslog")
    ]
    assert call(cluster.site, "file list activelog syslog/* siz rev").lines[:2] == [
        *("CiscoSyslog", "CiscoSyslog.1")
    ]
    with pytest.raises(UsageError, match="optional parameter entered for list"):
        call(cluster.site, "file list activelog * wide")


@pytest.mark.usefixtures("logs")
def test_search_of_one_file_is_the_originals(cluster: MadeCluster) -> None:
    called = call(cluster.site, f"file search activelog {SYSLOG} UC_CERT")
    assert called.text == (
        f"Searching path: {ACTIVE}/{SYSLOG}\n"
        f"Searching file: {ACTIVE}/{SYSLOG}\n"
        f"{NEW}\n"
        "Search completed\n"
    )
    assert called.status == 0


@pytest.mark.usefixtures("logs")
def test_search_of_several_names_the_file_of_each_line(cluster: MadeCluster) -> None:
    called = call(cluster.site, 'file search activelog syslog/* "ONE|OLD ALARM" ign')
    assert called.text == (
        f"Searching path: {ACTIVE}/syslog/*\n"
        f"Searching file: {ACTIVE}/{SYSLOG}\n"
        f"{ACTIVE}/{SYSLOG}:{NEW}\n"
        f"Searching file: {ACTIVE}/{SYSLOG}.1\n"
        f"{ACTIVE}/{SYSLOG}.1:{OLD}\n"
        "Search completed\n"
    )
    deep = call(cluster.site, "file search activelog * alarm recurs")
    assert f"{ACTIVE}/{SYSLOG}.1:{OLD}" in deep.lines
    flat = call(cluster.site, "file search activelog * alarm")
    assert (flat.status, OLD in flat.text) == (1, False)


def test_search_of_tftp_shows_no_key_and_no_list(cluster: MadeCluster) -> None:
    tftp = cluster.site.tftp
    tftp.write("SEP1.cnf.xml", b"<device>here</device>")
    key = cluster.site.home.read("security/TVS/private.pem")
    tftp.write("oops.xml", key)
    called = call(cluster.site, "file search tftp * .")
    assert "<device>here</device>" in called.text
    assert "Searching file: /usr/local/cm/tftp/SEP1.cnf.xml" in called.lines
    assert "PRIVATE" not in called.text
    assert "ITLFile.tlv\n" not in called.text


@pytest.mark.usefixtures("logs")
@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("file search activelog none x", "File not found"),
        ("file tail activelog none", "File not found"),
        ("file get activelog none", "File not found"),
        ("file view activelog syslog", "File not found"),
    ],
)
def test_what_is_not_there_is_not_found(
    cluster: MadeCluster, line: str, said: str
) -> None:
    with dialog_with() as dialog, pytest.raises(MissingFileError, match=said):
        run(dialog, cluster.site, line)


@pytest.mark.usefixtures("logs")
def test_nothing_outside_is_reached(cluster: MadeCluster) -> None:
    for verb in ("list", "view", "get", "tail", "delete"):
        with pytest.raises((UsageError, MissingFileError)):
            call(cluster.site, f"file {verb} activelog ../security/secrets/security")
    with pytest.raises(UsageError):
        call(cluster.site, "file search activelog ../security/secrets/security .")


def test_tail_with_recent_ends(cluster: MadeCluster, logs: Path) -> None:
    (logs / SYSLOG).write_text("".join(f"line {n}\n" for n in range(30)))
    called = call(cluster.site, "file tail activelog syslog/* rec")
    assert called.lines[:-1] == [f"line {n}" for n in range(20, 30)]
    called = call(cluster.site, f"file tail activelog {SYSLOG} lines 2")
    assert called.lines[:-1] == ["line 28", "line 29"]
    line = f'file tail activelog {SYSLOG} recent regexp "line 1[23]"'
    assert call(cluster.site, line).lines[:-1] == ["line 12", "line 13"]
    with pytest.raises(RefusedError, match="2 files match"):
        call(cluster.site, "file tail activelog syslog/*")
    for words in ("lines", "lines 0", "regexp", "wide"):
        with pytest.raises(UsageError):
            call(cluster.site, f"file tail activelog {SYSLOG} {words}")


class Following(ScriptedDialog):
    """Does one thing at each wait; nobody is there any more when all are done."""

    def __init__(self, *steps: Callable[[], object]) -> None:
        super().__init__()
        self._steps = iter(steps)

    @contextmanager
    def following(self) -> Iterator[Callable[[float], bool]]:
        def wait(_: float) -> bool:
            step = next(self._steps, None)
            if step:
                step()
            return step is not None

        yield wait


def test_tail_follows_a_log_through_its_rotation(
    cluster: MadeCluster, logs: Path
) -> None:
    log = logs / SYSLOG

    def add(text: str) -> Callable[[], object]:
        def adding() -> None:
            with log.open("a") as file:
                file.write(text)

        return adding

    def rotate() -> None:
        log.rename(log.with_suffix(".2"))
        log.write_text("after\n")

    steps = [add("third\nhal"), add("f\n"), rotate, add("last\n")]
    with Following(*steps, log.unlink) as dialog:
        run(dialog, cluster.site, f"file tail activelog {SYSLOG}")
    assert dialog.lines[:-1] == [
        *(NEW, "second", "third", "half", "after", "last"),
    ]


def test_delete_asks_for_each_and_counts(cluster: MadeCluster, logs: Path) -> None:
    called = call(cluster.site, f"file delete activelog {SYSLOG}.1", [(CONFIRM, "y")])
    assert called.text == (
        f"Delete the File {SYSLOG}.1?\n{CONFIRM}\nfiles: found = 1, deleted = 1\n"
    )
    assert not (logs / f"{SYSLOG}.1").exists()
    called = call(cluster.site, "file delete activelog errors", [(CONFIRM, "n")])
    assert called.lines[-2] == "files: found = 1, deleted = 0"
    assert (logs / "errors").exists()
    for number in range(4):
        (logs / f"syslog/AlternateSyslog.{number}").touch()
    line = "file delete activelog syslog/Alternate* noconf"
    assert call(cluster.site, line).text == "files: found = 4, deleted = 4\n"
    assert call(cluster.site, line).text == "files: found = 0, deleted = 0\n"


def test_what_is_needed_is_not_deleted_and_named(
    cluster: MadeCluster, logs: Path
) -> None:
    kept = [logs / "audit", Path(cluster.site.home.root, CISCO_SYSLOG)]
    called = call(cluster.site, "file delete activelog * noconfirm")
    assert called.status == 1
    assert "audit is not deleted: it is the record of who did what" in called.lines
    assert called.lines[-2] == "files: found = 2, deleted = 1"
    called = call(cluster.site, "file delete activelog syslog/* noconfirm")
    assert f"{SYSLOG} is not deleted: alarms are being written to it" in called.text
    assert all(file.exists() for file in kept)


def test_no_list_and_no_key_is_deleted(cluster: MadeCluster) -> None:
    tftp = cluster.site.tftp
    tftp.write("CTLFile.tlv", b"a list of another tool")
    tftp.write("a.xml", b"<a/>")
    key = cluster.site.home.read("security/TVS/private.pem")
    tftp.write("oops.xml", key)
    called = call(cluster.site, "file delete tftp * noconfirm")
    assert called.lines[-2] == "files: found = 5, deleted = 1"
    assert {"CTLFile.tlv", "ITLFile.tlv", "oops.xml"} <= set(tftp.names())
    assert cluster.key_file()
    for name in ("CTLFile.tlv", "ITLFile.tlv", "ITLRecovery.p12", "oops.xml"):
        assert f"{name} is not deleted: " in called.text
    called = call(cluster.site, "file delete tftp CTLFile.tlv", [(CONFIRM, "y")])
    assert called.lines[0] == "Delete the File CTLFile.tlv?"
    assert called.lines[-2] == "files: found = 1, deleted = 1"
    assert "CTLFile.tlv" not in tftp.names()


@pytest.mark.usefixtures("logs")
def test_logs_are_sent_together(cluster: MadeCluster) -> None:
    called = call(cluster.site, "file get activelog syslog/*", ANSWERS)
    assert called.status == 0
    assert "Number of files affected: 2" in called.lines
    assert "Transfer completed." in called.lines
    assert f"Downloading file: {ACTIVE}/{SYSLOG}.1" in called.lines
    saved = cluster.backups / "home/joe"
    assert (saved / "CiscoSyslog.1").read_text() == f"{OLD}\n"
    assert (saved / "CiscoSyslog").read_text() == f"{NEW}\nsecond\n"


def dated(logs: Path, cluster: MadeCluster) -> str:
    """The alarms were written two hours ago; when, as ``abstime`` takes it."""
    now = cluster.clock.now()
    then = (now - timedelta(hours=2)).astimezone()
    for name in (SYSLOG, "audit"):
        os.utime(logs / name, (then.timestamp(), then.timestamp()))
    return f"{then:%H:%M:%m/%d/%y}"


@pytest.mark.parametrize(
    ("span", "is_in"),
    [
        *(("reltime hours 3", True), ("reltime hours 1", False)),
        *(("relt mon 1", True), ("reltime minutes 119", False)),
        *(
            ("abstime THEN THEN", True),
            ("abstime 00:00:01/01/13 00:00:01/01/14", False),
        ),
    ],
)
def test_only_what_was_written_then_is_searched_and_sent(
    cluster: MadeCluster, logs: Path, span: str, is_in: bool
) -> None:
    span = span.replace("THEN", dated(logs, cluster))
    search, get = (
        f"file search activelog syslog/* alarm|UC_CERT {span}",
        f"file get activelog * recurs {span}",
    )
    if not is_in:
        for line in (search, get):
            with dialog_with() as dialog, pytest.raises(MissingFileError):
                run(dialog, cluster.site, line)
        return
    assert (
        f"Searching file: {ACTIVE}/{SYSLOG}\n{NEW}" in call(cluster.site, search).text
    )
    sent = call(cluster.site, get, ANSWERS)
    assert sent.lines[1:3] == [
        *("Sub-directories were traversed.", "Number of files affected: 2")
    ]
    assert (cluster.backups / "home/joe/CiscoSyslog").is_file()
    assert not (cluster.backups / "home/joe/errors").exists()


@pytest.mark.usefixtures("logs")
def test_logs_are_chosen_by_their_names(cluster: MadeCluster) -> None:
    line = "file get activelog * recurs match [.]1$|^err"
    sent = call(cluster.site, line, ANSWERS)
    names = {path.name for path in (cluster.backups / "home/joe").iterdir()}
    assert names & {"audit", "errors", "CiscoSyslog", "CiscoSyslog.1"} == {
        *("errors", "CiscoSyslog.1")
    }
    assert sent.status == 0


@pytest.mark.usefixtures("logs")
@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("file search activelog audit x reltime", "It is written reltime days 3"),
        ("file search activelog audit x reltime days 0", "no number from 1 to 1000"),
        ("file search activelog audit x reltime days 9999", "no number from 1"),
        ("file search activelog audit x reltime m 3", "optional parameter"),
        ("file search activelog audit x abstime 25:00:01/01/26 x", "is no time"),
        ("file search activelog audit x abstime 10:00:02/30/26 x", "is no time"),
        (
            "file search activelog audit x abstime 10:00:01/02/26 10:00:01/01/26",
            "is before",
        ),
        ("file get activelog audit compress", "files are sent as they are"),
        ("file get activelog audit match", "match EXPRESSION"),
        ("file get activelog audit match (", "cannot be read"),
        ("file tail activelog audit hex", "`file get` sends others"),
    ],
)
def test_an_option_that_cannot_be_used_is_told(
    cluster: MadeCluster, line: str, why: str
) -> None:
    with dialog_with() as dialog, pytest.raises(UsageError, match=re.escape(why)):
        run(dialog, cluster.site, line)


@pytest.mark.usefixtures("logs")
@pytest.mark.parametrize(
    "line",
    [
        "file search activelog platform/log/* x",
        "file view activelog platform/log/cli00001.log",
        "file get activelog cm/trace/ccm/*",
        "file tail activelog platform/log/*",
    ],
)
def test_places_of_the_original_are_said_to_be_elsewhere(
    cluster: MadeCluster, line: str
) -> None:
    with dialog_with() as dialog, pytest.raises(MissingFileError) as refused:
        run(dialog, cluster.site, line)
    assert "audit has what was typed" in refused.value.advice
    listed = call(cluster.site, "file list activelog platform/log/*")
    assert listed.lines[0].startswith("There is no folder platform")
    strict = call(cluster.site, "file list activelog platform/log/*", helpful=False)
    assert strict.lines == ["dir count = 0, file count = 0", ""]


def test_no_more_is_read_than_may_be_searched(cluster: MadeCluster) -> None:
    """A firmware file is known by its beginning, whatever its size."""
    top = Path(cluster.site.tftp.root)
    with (top / "firmware.bin").open("wb") as file:
        file.truncate(8 * MOST_BYTES)
    tracemalloc.start()
    try:
        done = call(cluster.site, "file search tftp firmware.bin x")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert done.text.endswith("Search completed\n")
    assert peak < MOST_BYTES
    (top / "first.txt").write_text("x\n")
    (top / "rest.txt").write_bytes(b"y\n" * (MOST_BYTES // 2))
    with pytest.raises(RefusedError, match="more than 33554432 bytes"):
        call(cluster.site, "file search tftp *.txt x")
