"""``keep_trust``: no holder of any list that was ever served is lost unasked.

The tables are in ``kept_histories``. After every step each list that was ever served on
the publisher and its replica is held against what the two serve now, and each list of
the subscriber against the subscriber's, by ``holder``, which knows nothing of cucmsh.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from cucmsh.errors import MissingFileError
from cucmsh.layout import HISTORY, RECOVERY_FILE
from cucmsh.pki.model import Unit
from cucmsh.services.certificates.regenerate import regenerate
from cucmsh.services.lists.give_up_phones import give_up, plan_giving_up
from cucmsh.services.lists.plan_reset import plan_local_reset
from cucmsh.services.lists.update_replicas import update_replicas
from tests.faults.second_verifier import read
from tests.services.holder import takes
from tests.services.kept_histories import CCM, KEPT_HISTORIES, Line
from tests.services.made_cluster import (
    PUBLISHER,
    REPLICA,
    SUBSCRIBER,
    Member,
    made_cluster,
    remote_plan,
)

pytestmark = pytest.mark.thorough

DAY = 24 * 3600


class Story:
    """A cluster with a replica, and everything that was ever served in it."""

    def __init__(self, root: Path, who: str) -> None:
        self.cluster = made_cluster(root, keep_trust=True, has_replica=True)
        Path(self.cluster.replica.node.tftp_directory).mkdir(parents=True)
        self.cluster.start()
        self.who = who
        self.watched: Member = self.cluster.members[who]
        self.served: dict[str, list[bytes]] = {
            name: [] for name in (PUBLISHER, SUBSCRIBER, REPLICA)
        }
        self.numbered: list[bytes | None] = []
        self.given_up: set[bytes] = set()
        self.was_asked = False
        self._saved = b""
        self._backup = root / "backup"
        self._keys: dict[bytes, str] = {}
        cluster = self.cluster
        self.steps: dict[str, Callable[[], object]] = {
            "restart": self._restart,
            "reboot": self._reboot,
            "interrupted restart": self._interrupted,
            "regen CallManager": lambda: self._regen(Unit.CALL_MANAGER),
            "regen TVS": lambda: self._regen(Unit.TVS),
            "regen ITLRecovery": lambda: self._regen(Unit.ITL_RECOVERY),
            "reset localkey": self._reset,
            "reset remotekey": self._reset_with_saved_key,
            "trust release": self._release,
            "save the key": self._save,
            "a month passes": lambda: cluster.clock.pass_seconds(31 * DAY),
            "a year passes": lambda: self._let_pass(365),
            "the replica goes away": lambda: self._set_dead(is_dead=True),
            "the replica comes back": lambda: self._set_dead(is_dead=False),
            "upgrade": self._upgrade,
            "back up the home": self._back_up,
            "restore the home": lambda: self._restore(with_lists=False),
            "restore home and TFTP directory": lambda: self._restore(with_lists=True),
            "the clock jumps ahead": lambda: self._jump(3650),
            "the clock jumps back": lambda: self._jump(-20000),
            "twelve restarts with a jumping clock": self._restart_with_jumps,
        }

    def take(self, line: Line) -> None:
        """One step, and all who served something new are looked at."""
        self.cluster.clock.pass_seconds(1)
        self.was_asked = False
        self.steps[line.step]()
        if not line.step.startswith("restore"):  # what a person put there is not ours
            self.look()
        self.numbered.append(self.list_of(self.who))

    def look(self) -> None:
        """Remember what is served now, and that nobody is lost but those given up."""
        for name, lists in self.served.items():
            raw = self.list_of(name)
            if raw is not None and raw not in lists:
                lists.append(raw)
        ours = [*self.served[PUBLISHER], *self.served[REPLICA]]
        for name in (PUBLISHER, REPLICA):
            if name == REPLICA and self.cluster.replica.is_dead:
                continue
            self._require_taken(ours, self.list_of(name), name)
        theirs = self.served[SUBSCRIBER]
        self._require_taken(theirs, self.list_of(SUBSCRIBER), SUBSCRIBER)

    def list_of(self, name: str) -> bytes | None:
        node = self.cluster.members.get(name, self.cluster.replica)
        try:
            return node.raw
        except MissingFileError:
            return None

    def lost(self) -> frozenset[int]:
        """The numbers of the lists whose holders refuse what is served now."""
        now = self.numbered[-1]
        assert now is not None
        return frozenset(
            at
            for at, held in enumerate(self.numbered)
            if held is not None and not takes(held, now)
        )

    def signer(self) -> str:
        """The key that signed what is served now, as the tables name it."""
        for member in self.cluster.members.values():
            folder = Path(member.site.settings.home) / "security"
            for unit in (Unit.CALL_MANAGER, Unit.ITL_RECOVERY):
                pem = (folder / unit / f"{unit}.pem").read_bytes()
                der = member.site.backends.keys().read_certificate(pem).der
                owner = self.who if unit is Unit.CALL_MANAGER else PUBLISHER
                if member.site.node.name == owner:
                    self._keys[der] = unit.value
        now = self.numbered[-1]
        if now is None:
            return "-"
        certificate = read(now).signed_by.certificate
        name = self._keys[certificate]
        present = self.watched if name == CCM else self.cluster.publisher
        path = Path(present.site.settings.home) / f"security/{name}/{name}.pem"
        der = present.site.backends.keys().read_certificate(path.read_bytes()).der
        return name if der == certificate else f"earlier {name}"

    def _require_taken(self, held: list[bytes], now: bytes | None, name: str) -> None:
        if now is None:
            return
        for number, each in enumerate(held):
            if takes(each, now):
                continue
            if self.was_asked:
                self.given_up.add(each)
            assert each in self.given_up, f"list {number} is lost on {name}, unasked"

    def _restart(self) -> None:
        self.watched.start()
        if self.who == PUBLISHER:
            update_replicas(self.cluster.site)

    def _reboot(self) -> None:
        self.cluster.clock.reboot()
        self._restart()

    def _interrupted(self) -> None:
        """Killed between the history and the list: the rename never happens."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(self.watched.site.tftp, "write", _die)
            with suppress(KeyboardInterrupt):
                self.watched.start()

    def _regen(self, unit: Unit) -> None:
        self.cluster.clock.pass_seconds(301)
        self.signer_seen()
        regenerate(self.watched.site, unit)

    def signer_seen(self) -> None:
        """Look at the keys before they change, to know them as earlier ones."""
        if self.numbered:
            self.signer()

    def _reset(self) -> None:
        plan = plan_local_reset(self.cluster.site)
        self.was_asked = bool(plan.questions)
        self.cluster.apply(plan)

    def _save(self) -> None:
        self._saved = self.cluster.site.home.read(RECOVERY_FILE)

    def _reset_with_saved_key(self) -> None:
        self.signer_seen()
        plan = remote_plan(self.cluster.site, self._saved)
        self.was_asked = bool(plan.questions)
        self.cluster.apply(plan)

    def _release(self) -> None:
        plan = plan_giving_up(self.watched.site)
        self.was_asked = True
        names = {
            digests.sha256
            for entry in plan.given_up
            for digests in (entry.kept.digests, *entry.kept.earlier)
        }
        for lists in self.served.values():
            self.given_up |= {raw for raw in lists if _sha256(raw) in names}
        give_up(self.watched.site, plan)

    def _let_pass(self, days: int) -> None:
        for _ in range(days // 30):
            self.cluster.clock.pass_seconds(30 * DAY)
            self._restart()
            self.look()

    def _set_dead(self, *, is_dead: bool) -> None:
        self.cluster.replica.is_dead = is_dead
        if not is_dead:
            update_replicas(self.cluster.site)

    def _upgrade(self) -> None:
        """As if the build before had been one that kept no history."""
        home = Path(self.watched.site.settings.home)
        shutil.rmtree(home / HISTORY)
        for name in ("state/asked.toml", "state/place"):
            (home / name).unlink(missing_ok=True)
        self._restart()

    def _back_up(self) -> None:
        for folder in ("home", "tftp"):
            path = self.cluster.root / self.who / folder
            shutil.copytree(path, self._backup / folder)

    def _restore(self, *, with_lists: bool) -> None:
        self.signer_seen()
        for folder in ("home", *(["tftp"] if with_lists else [])):
            path = self.cluster.root / self.who / folder
            shutil.rmtree(path)
            shutil.copytree(self._backup / folder, path)

    def _jump(self, days: int) -> None:
        self.cluster.clock.moment += timedelta(days=days)

    def _restart_with_jumps(self) -> None:
        for days in (3650, -3650, 40, -40) * 3:
            self._jump(days)
            self._restart()
            self.look()


def _die(*_: object) -> None:
    raise KeyboardInterrupt


def _sha256(raw: bytes) -> str:
    return sha256(raw).hexdigest()


@pytest.mark.parametrize("name", KEPT_HISTORIES)
def test_nobody_is_lost_without_a_question(name: str, tmp_path: Path) -> None:
    who, lines = KEPT_HISTORIES[name]
    story = Story(tmp_path, who)
    told = []
    for line in lines:
        story.take(line)
        told.append(Line(line.step, story.signer(), story.lost(), story.was_asked))
    assert [tuple(line) for line in told] == [tuple(line) for line in lines]
