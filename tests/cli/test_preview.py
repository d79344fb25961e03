"""``cucmsh preview``: lists that are named or piped in, and its exit status."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from cucmsh.cli.preview import run
from cucmsh.errors import UsageError
from cucmsh.pki.model import Unit
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.certificates.regenerate import regenerate
from tests.services.made_cluster import MadeCluster, started_cluster

pytestmark = pytest.mark.thorough


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MadeCluster:
    made = started_cluster(tmp_path)
    monkeypatch.setattr("cucmsh.cli.preview.open_own_site", lambda _: made.site)
    return made


def test_held_lists_are_a_directory_and_standard_input(
    cluster: MadeCluster, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    strangers = started_cluster(tmp_path / "other")  # of the same keys until then
    regenerate(strangers.site, Unit.CALL_MANAGER)
    strangers.publisher.start()
    for member in cluster.members.values():
        member.tvs_is_stopped = True
    assert run("", ["restart"]) == 0
    held = tmp_path / "held"
    held.mkdir()
    (held / "own.tlv").write_bytes(cluster.publisher.raw)
    assert run("", ["restart", "--held", str(held)]) == 0
    reading, writing = os.pipe()
    os.write(writing, strangers.publisher.raw)
    os.close(writing)
    standard, _ = os.dup(0), os.dup2(reading, 0)
    try:
        capfd.readouterr()
        assert run("", ["restart", "--held", "-", "--json"]) == 1
    finally:
        os.dup2(standard, 0)
        os.close(standard)
        os.close(reading)
    document = json.loads(capfd.readouterr().out)
    ways = {
        each["held"].split(" (")[0]: each["way"]
        for each in document["result"]["holders"]
    }
    assert ways["standard input"] == "locked out"
    assert document["status"] == 1


def test_a_key_file_is_named_by_its_path(cluster: MadeCluster, tmp_path: Path) -> None:
    path = tmp_path / "saved.p12"
    path.write_bytes(Keystore(cluster.site).recovery_file())
    assert run("", ["remotekey", str(path)]) == 0


@pytest.mark.parametrize(
    "words",
    [
        "",
        "regen",
        "remotekey",
        "restart x",
        "restart --held - --held -",
    ],
)
def test_wrong_words(words: str) -> None:
    with pytest.raises(UsageError):
        run("", words.split())
