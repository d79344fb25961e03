"""A subscriber takes over the cluster of its own publisher, and nobody else's."""

import json
from pathlib import Path

import pytest

from cucmsh.config import editing
from cucmsh.config.model import (
    FurtherRecord,
    HttpAddress,
    NodeRole,
    SshAddress,
    TftpAddress,
    TvsAddress,
)
from cucmsh.config.settings import parse_settings
from cucmsh.errors import ConfigurationError, RefusedError, ServiceError
from cucmsh.layout import SECURITY_PASSWORD
from cucmsh.services.nodes.join import (
    cluster_document,
    describe,
    join,
    read_description,
)
from cucmsh.services.site import Site
from tests.services.callers import called
from tests.services.made_cluster import (
    MadeCluster,
    cheap_questions,
    started_cluster,
)

TEXT = """\
[node]
name = "test10sub"
home = "{home}"

[cluster]
domain = "joemar2.lab"      # as on the publisher
subject = "OU=tac;O=cisco;L=rtp;ST=nc;C=US"
digest = "sha512"

[[cluster.nodes]]
name = "test10pub"
role = "publisher"
services = []

[[cluster.nodes]]
name = "test10sub"          # this one
role = "subscriber"
services = ["tftp", "tvs"]
tftp_directory = "{tftp}"
service_commands = "systemd:tftpd-hpa"

[[cluster.nodes]]
name = "gone"
role = "subscriber"
services = ["tvs"]
"""


@pytest.fixture(autouse=True)
def cheap_things(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap_questions(monkeypatch)


@pytest.fixture
def cluster(tmp_path: Path) -> MadeCluster:
    return started_cluster(tmp_path)


@pytest.fixture
def joining(cluster: MadeCluster, tmp_path: Path) -> Site:
    """The subscriber, with a configuration that does not know the cluster yet."""
    site = cluster.subscriber.site
    home, tftp = site.settings.home, site.node.tftp_directory
    path = tmp_path / "sub.toml"
    path.write_text(TEXT.format(home=home, tftp=tftp))
    settings = parse_settings(path.read_bytes(), str(path))
    return called(Site(settings, site.clock, site.backends))


def document(cluster: MadeCluster) -> bytes:
    return cluster_document(cluster.site, cluster.site.settings.cluster.nodes)


@pytest.mark.thorough
def test_joined_subscriber_knows_the_others_and_keeps_its_own(
    cluster: MadeCluster, joining: Site
) -> None:
    joining.home.write("security/trust/gone/TVS.pem", b"old")
    join(joining, document(cluster))
    text = Path(joining.settings.path).read_text()
    settings = parse_settings(text.encode(), "f")
    assert [node.name for node in settings.cluster.nodes] == ["test10pub", "test10sub"]
    assert settings.cluster.publisher.services == ("tftp", "tvs", "capf")
    assert settings.digest == cluster.site.settings.digest
    assert settings.node.service_commands is not None
    assert "# this one" in text
    assert "# as on the publisher" in text
    assert joining.home.names("security/trust/gone") == []
    join(joining, document(cluster))
    assert Path(joining.settings.path).read_text() == text


def described(cluster: MadeCluster, *records: FurtherRecord, tokens: int = 2) -> Site:
    """The publisher with these further records of lists."""
    site = cluster.site
    about = site.settings.cluster._replace(records=records, sast_records=tokens)
    return called(
        Site(site.settings._replace(cluster=about), site.clock, site.backends)
    )


def test_further_records_of_lists_are_brought_beside_those_that_are_there(
    cluster: MadeCluster, joining: Site
) -> None:
    pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    own = FurtherRecord(9, pem)
    path = Path(joining.settings.path)
    path.write_text(editing.with_records(path.read_text(), str(path), [own]))
    brought = [FurtherRecord(0, pem), FurtherRecord(3, pem)]
    publisher = described(cluster, *brought, tokens=3)
    for _ in range(2):
        join(joining, cluster_document(publisher, publisher.settings.cluster.nodes))
        joined = parse_settings(path.read_bytes(), "f").cluster
        assert joined.records == (own, *brought)
        assert joined.sast_records == 3


def test_further_records_that_are_none_change_nothing(
    cluster: MadeCluster, joining: Site
) -> None:
    before = Path(joining.settings.path).read_bytes()
    publisher = described(cluster, FurtherRecord(3, "no certificate"))
    nodes = publisher.settings.cluster.nodes
    with pytest.raises(ConfigurationError, match=r"cluster\.records\[0\]"):
        join(joining, cluster_document(publisher, nodes))
    assert Path(joining.settings.path).read_bytes() == before


@pytest.mark.thorough
def test_way_onto_the_publisher_is_taken_with_the_own_key(
    cluster: MadeCluster, joining: Site
) -> None:
    address = SshAddress("10.0.0.1", 22, "cucmsh", "/theirs", "ssh-ed25519 AAAA")
    first, *rest = cluster.site.settings.cluster.nodes
    nodes = (first._replace(ssh=address), *rest)
    join(joining, cluster_document(cluster.site, nodes))
    settings = parse_settings(Path(joining.settings.path).read_bytes(), "f")
    way = settings.cluster.publisher.ssh
    identity = f"{joining.settings.home}/ssh/id_ed25519"
    assert way == address._replace(identity=identity)


def test_words_to_run_are_taken_from_nobody(
    cluster: MadeCluster, joining: Site
) -> None:
    join(joining, document(cluster))
    settings = parse_settings(Path(joining.settings.path).read_bytes(), "f")
    assert settings.cluster.publisher.service_commands is None


def refused(joining: Site, raw: bytes, complaint: str) -> None:
    before = Path(joining.settings.path).read_bytes()
    with pytest.raises(RefusedError, match=complaint):
        join(joining, raw)
    assert Path(joining.settings.path).read_bytes() == before


def test_other_security_password_is_another_cluster(
    cluster: MadeCluster, joining: Site
) -> None:
    joining.home.write(SECURITY_PASSWORD, b"quite another password")
    refused(joining, document(cluster), "security password")


def test_changed_document_is_refused(cluster: MadeCluster, joining: Site) -> None:
    raw = document(cluster)
    refused(joining, raw.replace(b"test10pub", b"test10bad"), "security password")
    refused(joining, raw[:-10], "describes no cluster")
    refused(joining, b"\xff", "describes no cluster")
    refused(joining, b"[]", "describes no cluster")


def test_cluster_of_another_publisher_is_refused(
    cluster: MadeCluster, joining: Site
) -> None:
    first, second = cluster.site.settings.cluster.nodes
    other = (first._replace(name="other"), second)
    refused(joining, cluster_document(cluster.site, other), "made for the publisher")


def test_cluster_without_this_node_is_refused(
    cluster: MadeCluster, joining: Site
) -> None:
    nodes = cluster.site.settings.cluster.nodes[:1]
    refused(joining, cluster_document(cluster.site, nodes), "joins no other cluster")


def test_description_comes_back_as_it_was_given(cluster: MadeCluster) -> None:
    site = cluster.subscriber.site
    asked = site.node._replace(tftp=TftpAddress("10.0.0.2", 69))
    said = read_description(describe(site), asked)
    assert said.node == site.node._replace(
        tftp=TftpAddress("10.0.0.2", site.node.tftp.port),
        tvs=TvsAddress("10.0.0.2", site.node.tvs.port),
        http=HttpAddress("10.0.0.2", site.node.http.port),
        ssh=asked.ssh,
    )
    assert said.publisher == "test10pub"
    assert "TVS" in said.certificates


def test_description_has_the_folder_that_earlier_publishers_want(
    cluster: MadeCluster,
) -> None:
    """They refuse a description without it, and keep it as an absolute path."""
    site = cluster.subscriber.site
    said = json.loads(describe(site))
    assert said.pop("staging") == f"{site.settings.home}/state/staging"
    assert read_description(json.dumps(said), site.node).node == site.node


def test_earlier_member_tells_no_ports_of_tvs_and_http(cluster: MadeCluster) -> None:
    site = cluster.subscriber.site
    said = json.loads(describe(site))
    del said["tvs_port"], said["http_port"]
    node = read_description(json.dumps(said), site.node).node
    assert (node.tvs.port, node.http.port) == (2445, 6970)


def test_description_holds_nothing_secret(cluster: MadeCluster) -> None:
    assert "PRIVATE" not in describe(cluster.subscriber.site)


@pytest.mark.parametrize(
    "change",
    [{"role": "king"}, {"services": 7}, {"certificates": []}, {"tftp_port": "x"}],
)
def test_other_description_is_refused(
    cluster: MadeCluster, change: dict[str, object]
) -> None:
    site = cluster.subscriber.site
    said = {**json.loads(describe(site)), **change}
    with pytest.raises(ServiceError, match="does not describe itself"):
        read_description(json.dumps(said), site.node)
    with pytest.raises(ServiceError, match="does not describe itself"):
        read_description("usage: something else", site.node)
    assert site.node.role is NodeRole.SUBSCRIBER
