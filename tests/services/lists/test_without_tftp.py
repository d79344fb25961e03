"""A node without TFTP has no TFTP directory: nothing of its home is taken for one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from commands.tftp import files
from cucmsh.errors import CucmshError, ServiceError
from cucmsh.services.files import paths
from cucmsh.services.lists.install import put_in_place
from cucmsh.services.lists.phone_files import choose, named
from cucmsh.services.lists.sign_files import sign_files
from cucmsh.services.lists.update_replicas import push
from cucmsh.services.nodes.health.doctor import examine
from cucmsh.services.site import Site
from cucmsh.services.sweep import sweep
from tests.services.made_cluster import MadeCluster, made_cluster


@pytest.fixture
def cluster(tmp_path: Path) -> MadeCluster:
    made = made_cluster(tmp_path, publisher_services=("tvs", "capf"))
    made.subscriber.start()
    made.site.home.write("security/SEP1.cnf.xml", b"<device/>")
    return made


USES: dict[str, Callable[[Site], object]] = {
    "the store": lambda site: site.tftp,
    "all files": choose,
    "a spec": lambda site: choose(site, ["*.xml"]),
    "a path": lambda site: named(site, ["security/SEP1.cnf.xml"]),
    "signing": lambda site: sign_files(site, choose(site)),
}


@pytest.mark.thorough
@pytest.mark.parametrize("use", USES)
def test_whoever_asks_for_it_is_refused(cluster: MadeCluster, use: str) -> None:
    before = cluster.tree()
    with pytest.raises(ServiceError, match="does not run Cisco Tftp"):
        USES[use](cluster.site)
    assert cluster.tree() == before


def test_list_from_another_node_is_not_put_into_the_home(cluster: MadeCluster) -> None:
    before = cluster.tree()
    with pytest.raises(CucmshError):
        put_in_place(cluster.site, cluster.subscriber.served, "-")
    assert cluster.tree() == before


@pytest.mark.thorough
def test_what_needs_none_goes_on(
    cluster: MadeCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/a.xml").touch()
    monkeypatch.chdir(tmp_path / "elsewhere")  # what an empty path stands for
    sweep(cluster.site)
    assert push(cluster.site).problems == {}
    assert paths(cluster.site) == ["ITLRecovery.p12"]
    assert files(cluster.site) == []
    assert not any("TFTP serves" in finding.what for finding in examine(cluster.site))
