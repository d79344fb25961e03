"""A publisher that may be attacked: real keys, a real list, services that do nothing.

Small keys make it quick; its service commands are ``true``, so nothing of it runs but
the session itself. Everything that a session may write to is below one folder.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import cast

from cucmsh.config.settings import read_settings
from cucmsh.secret import Secret
from cucmsh.services.backends import Backends
from cucmsh.services.nodes.make import make_node
from cucmsh.services.site import Site
from tests.escape.oracle import AllowList, Escape, traced
from tests.rigs.making import KeysOnly, WallClock
from tests.services.made_cluster import QuickKeys

PROGRAM = (sys.executable, "-I", "-m", "cucmsh")
OPENER = (sys.executable, "-I", "-m", "cucmsh.pki.sandbox_worker")
TRUE = "/bin/true"
SECURITY = "canary-security-4dbf3c61"
CCM = "canary-ccm-98a1c0b7e2"
CONFIGURATION = """\
exec = "{exec}"
keep_trust = false
[node]
name = "pub"
home = "{folder}/home"
[cluster]
domain = "example.org"
subject = "O=example;C=US"
[[cluster.nodes]]
name = "pub"
role = "publisher"
services = ["tftp", "tvs", "capf"]
tftp_directory = "{folder}/tftp"
[cluster.nodes.service_commands]
start = {true}
stop = {true}
restart = {true}
status = {true}
"""


class Target:
    """The node, the argv of its shell, and what that may do.

    Args:
        folder: for everything.
        program: the argv of cucmsh, such as a copy with a leak in it.
        may_change: whether exec requests may change something, too.
    """

    def __init__(
        self,
        folder: Path,
        program: tuple[str, ...] = PROGRAM,
        *,
        may_change: bool = True,
        reads: tuple[Path, ...] = (),
    ) -> None:
        self.folder = folder
        self.home, self.tftp = folder / "home", folder / "tftp"
        for each in (self.home, self.tftp, self.tftp / "Desktops", folder / "traces"):
            each.mkdir()
        self.home.chmod(0o700)
        (self.tftp / "SEP001122334455.cnf.xml").write_text("<device/>\n")
        self.config = folder / "cucmsh.toml"
        text = CONFIGURATION.format(
            folder=folder,
            true=f'["{TRUE}", "service"]',
            exec="all" if may_change else "read-only",
        )
        self.config.write_text(text)
        site = Site(
            read_settings(str(self.config)),
            WallClock(),
            cast(Backends, KeysOnly(QuickKeys())),
        )
        make_node(site, Secret(SECURITY), Secret(CCM))
        subprocess.run(
            [*PROGRAM, "--config", str(self.config), "hook", "tftp-start"],
            check=True,
            capture_output=True,
        )
        self.program = program
        self.allowed = AllowList(
            [(TRUE, "service"), OPENER],
            program,
            reads=[self.config, Path(TRUE), *reads],
            writes=[self.home, self.tftp],
        )
        self._traces: list[Path] = []

    @property
    def audit(self) -> Path:
        return self.home / "log" / "audit"

    def words(self, *more: str) -> list[str]:
        """The argv of a traced shell."""
        log = self.folder / "traces" / f"{len(self._traces)}"
        self._traces.append(log)
        return traced(log, [*self.program, "--config", str(self.config), *more])

    def escapes(self) -> list[Escape]:
        """What all traced shells did that they may not; the traces are dropped."""
        found = []
        for log in sorted((self.folder / "traces").iterdir()):
            found += self.allowed.judge(log)
            log.unlink()
        self._traces.clear()
        return found
