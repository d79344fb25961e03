"""Makes a home as an earlier build leaves it; run once a build, with that build.

In a clone of the repository at the commit, with the build installed, and pytest::

    python make.py OUT.tar.gz        # makes the publisher's home of a small cluster
    python make.py --look FOLDER     # what that build reads in a home: JSON
    python make.py --readers FOLDER OUT.tar.xz    # the modules that this needs

The homes were made by hand: that needs the earlier build and its tests' rig. A look
needs the readers only, which are stored beside the homes; tests run it on homes that
this build has written to. The keys are made for this and guard nothing; everything in
the home can be published.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import tarfile
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = "/@ROOT@"  # stands for the folder in which the home is unpacked
CONFIGURATION = """\
# A publisher with a subscriber and a replica, as an administrator wrote it.
release = "10.0"
fidelity = "helpful"
keep_trust = true

[node]
name = "test10pub"
home = "{root}/test10pub/home"

[cluster]
domain = "joemar2.lab"
subject = "OU=tac;O=cisco;L=rtp;ST=nc;C=US"
digest = "sha1"

[[cluster.nodes]]
name = "test10pub"
role = "publisher"
services = ["tftp", "tvs", "capf"]
tftp_directory = "{root}/test10pub/tftp"
tftp = {{ host = "test10pub", port = 6901 }}
service_commands = "systemd:tftpd-hpa"

[[cluster.nodes]]
name = "test10sub"
role = "subscriber"
services = ["tftp", "tvs"]
tftp_directory = "{root}/test10sub/tftp"
tftp = {{ host = "test10sub", port = 6902 }}
ssh = {{ host = "test10sub", port = 6902, identity = "identity", \
host_key = "ssh-ed25519 AAAA" }}

[[cluster.nodes]]
name = "branch1"
role = "replica"
services = ["tftp"]
tftp_directory = "{root}/branch1/tftp"
tftp = {{ host = "branch1", port = 6903 }}
ssh = {{ host = "branch1", port = 6903, identity = "identity", \
host_key = "ssh-ed25519 AAAA" }}
service_commands = {{ restart = ["restart-it"], status = ["look-at-it"] }}
"""


class Clock:
    """The time of this machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def boot(self) -> tuple[str, float]:
        return "", 0.0


def module(name: str) -> Any:
    """A module of the earlier build; its names are not those of today."""
    return importlib.import_module(name)


def make(out: Path) -> None:
    """A reset that reached this node only, and is not proven here either."""
    pytest = module("pytest")
    rig = module("tests.services.made_cluster")
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        root = Path(folder)
        rig.cheap_questions(patch)
        made = rig.started_cluster(root, keep_trust=True, has_replica=True)
        made.clock.pass_seconds(3600)
        made.publisher.start()
        server = module("cucmsh.services.doors").BackupServer(
            "backup.example.org", 22, "joe", rig.SFTP_PASSWORD
        )
        made.site.doors.open_backup(server, made.site.known_hosts, lambda *_: True)
        module("cucmsh.services.idle").set_idle_minutes(made.site, 45)
        module("cucmsh.services.pending").remember_replicas(
            made.site, {"branch1": "it does not answer (yet)"}
        )
        made.subscriber.is_dead = made.replica.is_dead = True
        made.publisher.service.lies_with = b"not the list"
        made.clock.pass_seconds(60)
        made.reset()
        (root / "cucmsh.toml").write_text(CONFIGURATION.format(root=ROOT))
        seen = look(root)
        (root / "seen.json").write_text(json.dumps(seen, indent=1, sort_keys=True))
        with tarfile.open(out, "w:gz") as archive:
            for name in ("cucmsh.toml", "seen.json", "test10pub"):
                archive.add(root / name, name)


def look(root: Path) -> dict[str, Any]:
    """What this build reads of the home below ``root``."""
    configuration = root / "read.toml"
    text = (root / "cucmsh.toml").read_text().replace(ROOT, str(root))
    configuration.write_text(text)
    settings = module("cucmsh.cluster.settings").read_settings(str(configuration))
    configuration.unlink()
    site = module("cucmsh.services.site").Site(
        settings, Clock(), module("cucmsh.app").LateDoors()
    )
    journal = module("cucmsh.services.journal").read_journal(site)
    state = module("cucmsh.services.state")
    hosts = module("cucmsh.cluster.hostkeys").KnownHosts(site.known_hosts)
    seen = {
        "journal": journal and journal._asdict(),
        "keep": state.keep_mark(site.home),
        "published": state.read_published(site.home)._asdict(),
        "replicas": module("cucmsh.services.pending").pending_replicas(site),
        "idle": module("cucmsh.services.idle").idle_minutes(site),
        "known_hosts": [list(key) for key in hosts.find("backup.example.org", 22)],
        "tvs": _trusted(site).hex(),
    }
    try:
        history = module("cucmsh.services.history").History(site)
    except ModuleNotFoundError:  # it came later
        return seen
    kept = [[each.digests.sha256, list(each.nodes)] for each in history.entries]
    return {**seen, "history": kept, "lost": [*history.damaged, *history.mended]}


def _trusted(site: Any) -> bytes:
    """The certificate of the subscriber's TVS in the trust store."""
    node = site.settings.cluster.nodes[1]
    unit = module("cucmsh.pki.model").Unit.TVS
    found = module("cucmsh.services.keystore").Keystore(site).trusted(node, unit)
    return bytes(found.der) if found else b""


def pack_readers(root: Path, out: Path) -> None:
    """The files of this build that a look at the home below ``root`` loads."""
    look(root)
    found = {
        str(each.__file__)
        for name, each in sys.modules.items()
        if name.partition(".")[0] == "cucmsh" and each.__file__
    }
    with tarfile.open(out, "w:xz") as archive:
        for path in sorted(found):
            archive.add(path, os.path.relpath(path), filter=_of_nobody)


def _of_nobody(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = entry.mtime = 0
    entry.uname = entry.gname = ""
    entry.mode = 0o644
    return entry


if __name__ == "__main__":
    os.umask(0o077)
    sys.path.insert(0, os.getcwd())
    if sys.argv[1] == "--look":
        sys.stdout.write(json.dumps(look(Path(sys.argv[2])), indent=1) + "\n")
    elif sys.argv[1] == "--readers":
        pack_readers(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        make(Path(sys.argv[1]))
