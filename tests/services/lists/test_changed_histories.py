"""Renames, passwords, releases and restores in histories: who takes what is served?

The tables are in ``changed_histories``; a holder is ``holder``, which shares nothing
with the product. With ``keep_trust`` on no step loses a holder of anything that was
ever served but one that was asked about before.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from cucmsh.secret import Secret
from cucmsh.services.accounts.security_password import set_security_password
from cucmsh.services.nodes.rename import set_domain, set_host_name
from tests.services.changed_histories import CHANGED_HISTORIES, all_until
from tests.services.histories import HISTORIES
from tests.services.holder import takes
from tests.services.kept_histories import KEPT_HISTORIES
from tests.services.lists.test_histories import Steps
from tests.services.made_cluster import (
    PUBLISHER,
    SECURITY,
    MadeCluster,
    Member,
    started_cluster,
)
from tests.services.nodes.test_rename import Told

pytestmark = pytest.mark.thorough

OTHER_PASSWORD = "seven other words of a cluster"


class MoreSteps(Steps):
    """The steps of ``Steps``, and those that change more than keys."""

    def __init__(self, cluster: MadeCluster, root: Path) -> None:
        super().__init__(cluster)
        self._members = cluster
        self._backup = root / "backup"
        pub, sub = cluster.publisher, cluster.subscriber
        self.table |= {
            "rename": lambda: self._rename(pub, "newpub"),
            "rename back": lambda: self._rename(pub, PUBLISHER),
            "rename of the subscriber": lambda: self._rename(sub, "newsub"),
            "another domain": self._move,
            "another security password": lambda: self._password(
                SECURITY, OTHER_PASSWORD
            ),
            "the first security password": lambda: self._password(
                OTHER_PASSWORD, SECURITY
            ),
            "release 12.5": lambda: self._release("12.5"),
            "release 10.0": lambda: self._release("10.0"),
            "back up the home": self._back_up,
            "restore the home": self._restore,
        }

    def _rename(self, member: Member, name: str) -> None:
        self._members.clock.pass_seconds(301)
        assert set_host_name(member.site, name, Told()).is_done

    def _move(self) -> None:
        self._members.clock.pass_seconds(301)
        assert set_domain(self._members.site, "other.example", Told()).is_done

    def _password(self, old: str, new: str) -> None:
        for member in self._members.members.values():
            set_security_password(member.site, Secret(old), Secret(new))

    def _release(self, release: str) -> None:
        self._members.set_release(release)
        configured(self._members)

    def _back_up(self) -> None:
        shutil.copytree(self._members.site.settings.home, self._backup)

    def _restore(self) -> None:
        home = self._members.site.settings.home
        shutil.rmtree(home)
        shutil.copytree(self._backup, home)


def configured(cluster: MadeCluster) -> None:
    """Each member has its settings in a file, and from it."""
    cluster.write_configurations()
    for member in cluster.members.values():
        member.read_configuration()


@pytest.mark.parametrize("keep_trust", [False, True], ids=["off", "on"])
@pytest.mark.parametrize("name", CHANGED_HISTORIES)
def test_lists_of_the_history_accept_what_is_served_now(
    name: str, keep_trust: bool, tmp_path: Path
) -> None:
    who, history = CHANGED_HISTORIES[name]
    cluster = started_cluster(tmp_path, keep_trust=keep_trust)
    configured(cluster)
    steps = MoreSteps(cluster, tmp_path)
    served: list[bytes] = []
    told = []
    for number, (step, _, _) in enumerate(history):
        steps.take(step)
        served.append(cluster.members[who].raw)
        taken = {at for at, held in enumerate(served) if takes(held, served[-1])}
        told.append(taken)
        if keep_trust and taken != all_until(number):
            assert steps.was_asked  # nobody is lost without a question
    expected = [
        kept if keep_trust and kept is not None else original
        for _, original, kept in history
    ]
    assert told == expected


def test_there_are_enough_of_them() -> None:
    tables = (HISTORIES, KEPT_HISTORIES, CHANGED_HISTORIES)
    assert sum(len(table) for table in tables) >= 40
