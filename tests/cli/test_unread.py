"""`init`, `node` and hooks that nobody reads or that break off: partly done."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cucmsh.cli.node import node, read
from cucmsh.errors import HalfDoneError, StoreError
from cucmsh.shell.scripted import ScriptedDialog
from tests.cli.conftest import CCM, SECURITY
from tests.cli.hosts import Member
from tests.services.made_cluster import SUBSCRIBER, MadeCluster, started_cluster


@pytest.fixture
def cluster(tmp_path: Path) -> MadeCluster:
    return started_cluster(tmp_path)


@pytest.mark.loopback
def test_what_was_done_and_not_read_is_partly_done(publisher: Member) -> None:
    full = os.open("/dev/full", os.O_WRONLY)

    def unread(*words: str, secrets: str = "") -> int:
        return publisher.call(*words, secrets=secrets, stdout=full).returncode

    try:
        options = [*publisher.init_options, "--secrets-fd", "FD"]
        assert unread("init", "--help") == 1
        assert unread("init", "--sshd") == 1
        both = f"{SECURITY}\n{CCM}\n"
        assert unread("init", "publisher", *options, secrets=both) == 3
        assert publisher.config.exists()
        assert unread("hook", "tftp-start") == 3
        assert Path(publisher.tftp.directory, "ITLFile.tlv").exists()
        assert unread("hook", "describe") == 1
        assert unread("node", "--help") == 1
    finally:
        os.close(full)


@pytest.mark.parametrize("problem", [KeyError("odd"), MemoryError()])
def test_removal_that_breaks_off_unforeseen_is_partly_done(
    cluster: MadeCluster, problem: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise problem

    monkeypatch.setattr("cucmsh.services.nodes.remove._take_out", broken)
    dialog = ScriptedDialog([("(yes/no)", "yes")])
    with pytest.raises(HalfDoneError) as half:
        node(read(["remove", SUBSCRIBER]), dialog, lambda: cluster.site)
    dialog.finish()
    assert half.value.exit_status == 3
    assert type(problem).__name__ in half.value.message
    assert f"cucmsh node remove {SUBSCRIBER}" in half.value.advice


def test_removal_that_was_refused_is_refused(
    cluster: MadeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise StoreError("busy")

    monkeypatch.setattr("cucmsh.services.nodes.remove._take_out", broken)
    dialog = ScriptedDialog([("(yes/no)", "yes")])
    with pytest.raises(StoreError, match="busy"):
        node(read(["remove", SUBSCRIBER]), dialog, lambda: cluster.site)
    dialog.finish()
