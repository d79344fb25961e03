"""Homes and configurations that earlier builds made open unchanged, and go back.

They lie in ``tests/vectors/homes``, with what the build that made them read in them.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
import tomllib
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from cucmsh.backends import LateBackends
from cucmsh.config.settings import read_settings
from cucmsh.layout import (
    HISTORY,
    JOURNAL,
    KEEP,
    NODES,
    PUBLISHED,
    REPLICAS,
    facts_file,
)
from cucmsh.pki.model import Unit
from cucmsh.remote.known_hosts import KnownHosts
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.idle import idle_minutes
from cucmsh.services.lists import plan_reset
from cucmsh.services.nodes.node_id import ids_by_name
from cucmsh.services.records.history import History
from cucmsh.services.records.open_work import login_notice
from cucmsh.services.records.reset_journal import (
    OpenReset,
    begin_reset,
    end_reset,
    read_reset,
)
from cucmsh.services.records.state import keep_mark, read_published
from cucmsh.services.records.waiting import note_waiting, open_waiting
from cucmsh.services.records.work import Work
from cucmsh.services.site import Site
from tests.services.made_cluster import SettableClock

pytestmark = pytest.mark.thorough

HOMES = Path(__file__).parents[2] / "vectors" / "homes"
BUILDS = ["219cd7e", "1e3bcee"]
ROOT = "/@ROOT@"  # see make.py there

# The units that those builds made, besides ITLRecovery.
MADE = (Unit.TOMCAT, Unit.IPSEC, Unit.CALL_MANAGER, Unit.CAPF, Unit.TVS)


class Opened:
    """A home of an earlier build, and what that build read in it."""

    def __init__(self, build: str, root: Path) -> None:
        with tarfile.open(HOMES / f"{build}.tar.gz") as archive:
            archive.extractall(root, filter="fully_trusted")  # ours, modes and all
        path = root / "cucmsh.toml"
        path.write_text(path.read_text().replace(ROOT, str(root)))
        self.build, self.root = build, root
        self.seen: dict[str, Any] = json.loads((root / "seen.json").read_text())
        settings = read_settings(str(path))
        self.site = Site(settings, SettableClock(), LateBackends())

    def files(self) -> dict[str, bytes]:
        paths = (path for path in self.root.rglob("*") if path.is_file())
        return {str(path): path.read_bytes() for path in paths}

    def facts(self, name: str) -> dict[str, Any]:
        return tomllib.loads(self.site.home.read(facts_file(name)).decode())


@pytest.fixture(params=BUILDS)
def earlier(request: pytest.FixtureRequest, tmp_path: Path) -> Opened:
    return Opened(request.param, tmp_path)


def test_open_reset_and_keep_mark_are_read(earlier: Opened) -> None:
    journal = read_reset(earlier.site)
    assert journal
    seen = earlier.seen["journal"]
    assert {name: getattr(journal, name) for name in seen} == {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in seen.items()
    }
    assert keep_mark(earlier.site.home) == earlier.seen["keep"] == journal.sha256
    published = read_published(earlier.site.home)
    assert published
    assert published._asdict() == earlier.seen["published"]


def test_open_reset_is_gone_on_with(
    earlier: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The very list is brought to who is pending; a new reset would sign another."""
    monkeypatch.setattr(plan_reset, "lists_elsewhere", lambda _site: {})
    plan = plan_reset.plan_local_reset(earlier.site)
    assert plan.sha256 == earlier.seen["journal"]["sha256"]
    end_reset(earlier.site, OpenReset("localkey", "", "", "", ()))
    assert plan_reset.plan_local_reset(earlier.site).sha256 != plan.sha256


def test_pending_replica_known_host_and_session_are_read(earlier: Opened) -> None:
    site = earlier.site
    pushes = [work.line for work in open_waiting(site, Work.PUSH)]
    assert pushes == earlier.seen["replicas"]
    found = KnownHosts(site.known_hosts).find("backup.example.org", 22)
    assert [list(key) for key in found] == earlier.seen["known_hosts"] != []
    assert idle_minutes(site) == earlier.seen["idle"]


def test_history_is_read(earlier: Opened) -> None:
    history = History(earlier.site)
    kept = [[each.digests.sha256, list(each.nodes)] for each in history.entries]
    assert kept == earlier.seen.get("history", [])
    assert [*history.damaged, *history.mended] == earlier.seen.get("lost", [])


def test_keys_and_certificates_open(earlier: Opened) -> None:
    keystore = Keystore(earlier.site)
    for unit in MADE:
        assert keystore.credential(unit).certificate.common_name
    recovery = keystore.recovery().certificate
    assert recovery == keystore.certificate(Unit.ITL_RECOVERY)
    subscriber = earlier.site.settings.cluster.nodes[1]
    tvs = keystore.trusted(subscriber, Unit.TVS)
    assert tvs
    assert tvs.der.hex() == earlier.seen["tvs"]


def test_looking_changes_nothing(earlier: Opened) -> None:
    before = earlier.files()
    notice = login_notice(earlier.site)
    assert "pending: test10pub, test10sub, branch1." in notice
    assert "branch1 (it does not answer (yet))" in notice
    History(earlier.site)
    idle_minutes(earlier.site)
    assert earlier.files() == before


def write_everything(earlier: Opened) -> None:
    """What this build writes into a home, each kind of file once."""
    site = earlier.site
    journal = read_reset(site)
    assert journal
    ids_by_name(site)
    begin_reset(site, journal)
    note_waiting(site, Work.PUSH, {"branch1": "it does not answer (yet)"})
    History(site).note_elsewhere("branch1", site.tftp.read("ITLFile.tlv"))


def test_earlier_build_reads_what_this_one_has_written(
    earlier: Opened, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Going back a version: its own modules look, as they were at that commit."""
    write_everything(earlier)
    folder = tmp_path_factory.mktemp("readers")
    with tarfile.open(HOMES / f"{earlier.build}-readers.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    done = subprocess.run(
        [sys.executable, str(HOMES / "make.py"), "--look", str(earlier.root)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    found, seen = json.loads(done.stdout), earlier.seen
    pushes = [work.line for work in open_waiting(earlier.site, Work.PUSH)]
    assert found["replicas"] == pushes
    assert found["journal"].pop("at") == earlier.site.clock.now().isoformat()
    del seen["journal"]["at"]
    for name in ("journal", "keep", "published", "idle", "known_hosts", "tvs"):
        assert found[name] == seen[name], name
    if "history" in seen:
        assert found["lost"] == []
        assert [digest for digest, _ in found["history"]] == [
            digest for digest, _ in seen["history"]
        ]
        served = sha256(earlier.site.tftp.read("ITLFile.tlv")).hexdigest()
        assert "branch1" in dict(found["history"])[served]


def test_files_that_an_earlier_build_reads_keep_their_form(earlier: Opened) -> None:
    """What it needs stands there, for builds whose readers are not stored too."""
    before = {name: earlier.facts(name) for name in (KEEP, PUBLISHED)}
    write_everything(earlier)
    site, seen = earlier.site, earlier.seen
    found = earlier.facts(JOURNAL)
    assert (found["version"], found["cluster"]) == (1, "test10pub.joemar2.lab")
    for name in set(seen["journal"]) - {"at"}:
        assert found[name] == seen["journal"][name]
    assert earlier.facts(REPLICAS)["open"] == ["branch1 (it does not answer (yet))"]
    assert {name: earlier.facts(name) for name in before} == before
    for name in site.home.names(HISTORY):
        head = json.loads(site.home.read(f"{HISTORY}/{name}").partition(b"\n")[0])
        assert head["version"] == 1
        needed = {"served", "age_mark", "nodes", "released", "earlier"}
        assert needed <= set(head)
    assert site.home.read("security/trust/test10sub/TVS.pem")


def test_open_reset_of_an_earlier_build_survives_a_rename_once_ids_are_kept(
    earlier: Opened,
) -> None:
    site = earlier.site
    journal = read_reset(site)
    assert journal
    begin_reset(site, journal)
    assert site.home.read(facts_file(NODES))
    path = Path(site.settings.path)
    path.write_text(path.read_text().replace('name = "branch1"', 'name = "shop1"'))
    now = Site(read_settings(str(path)), site.clock, site.backends)
    again = read_reset(now)
    assert again
    assert again.pending == ("test10pub", "test10sub", "shop1")
