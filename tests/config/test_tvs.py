"""Where TVS and HTTP of a node answer, and the limits of its TVS."""

import pytest

from cucmsh.config.entries import entry_of
from cucmsh.config.model import HttpAddress, Node, TvsAddress
from cucmsh.config.settings import Settings, parse_settings
from cucmsh.config.tvs import TvsSettings
from cucmsh.errors import ConfigurationError

EARLIER = """\
[node]
name = "one"
[[cluster.nodes]]
name = "one"
role = "publisher"
services = ["tvs"]
[[cluster.nodes]]
name = "two"
role = "subscriber"
services = ["tftp", "tvs"]
tftp_directory = "/srv/tftp"
ssh = { host = "10.1.1.3", identity = "/id", host_key = "ssh-rsa AA" }
"""


def read(text: str) -> Settings:
    return parse_settings(text.encode(), "cucmsh.toml")


def second(more: str) -> Node:
    return read(EARLIER + more).cluster.nodes[1]


def test_configuration_of_an_earlier_version_reads_with_the_usual_ports() -> None:
    settings = read(EARLIER)
    one, two = settings.cluster.nodes
    assert settings.tvs == TvsSettings()
    assert (one.tvs, one.http) == (("127.0.0.1", 2445), ("127.0.0.1", 6970))
    assert (two.tvs, two.http) == (("10.1.1.3", 2445), ("10.1.1.3", 6970))
    assert one.has_tvs


def test_host_is_the_one_of_tftp_unless_another_is_named() -> None:
    node = second('tftp = { host = "10.9.9.9" }\ntvs = { port = 2446 }\n')
    assert node.tvs == TvsAddress("10.9.9.9", 2446)
    assert node.http == HttpAddress("10.9.9.9", 6970)
    node = second('tvs = { host = "tvs.example" }\nhttp = { port = 1 }\n')
    assert node.tvs == TvsAddress("tvs.example", 2445)
    assert node.http == HttpAddress("10.1.1.3", 1)


@pytest.mark.parametrize(
    ("more", "entry"),
    [
        ("", {}),
        ('tftp = { host = "10.9.9.9" }\n', {}),
        ("tvs = { port = 1 }\n", {"tvs": {"host": "10.1.1.3", "port": 1}}),
        ('http = { host = "h" }\n', {"http": {"host": "h", "port": 6970}}),
    ],
)
def test_entry_for_other_nodes_leaves_out_what_they_assume(
    more: str, entry: dict[str, object]
) -> None:
    said = entry_of(second(more))
    assert {key: said[key] for key in ("tvs", "http") if key in said} == entry


def test_limits_are_read_and_the_others_stay() -> None:
    wanted = '[tvs]\ntls_minimum = "1.0"\nworkers = 2\nidle_seconds = 3600\n'
    read_back = read(wanted + EARLIER).tvs
    assert read_back == TvsSettings(tls_minimum="1.0", workers=2, idle_seconds=3600)


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ('tls_minimum = "1.4"', "tvs.tls_minimum"),
        ("tls_minimum = 1.0", "tvs.tls_minimum"),
        ('listen = "h:1"', "tvs.listen"),
        ("workers = 0", "tvs.workers"),
        ("workers = true", "tvs.workers"),
        ("connections = 0", "tvs.connections"),
        ('connections_per_address = "1"', "tvs.connections_per_address"),
        ("handshake_seconds = 0", "tvs.handshake_seconds"),
        ("message_seconds = 3601", "tvs.message_seconds"),
        ("idle_seconds = -1", "tvs.idle_seconds"),
        ("timeout = 1", "tvs.timeout: unknown key"),
    ],
)
def test_mistake_in_the_table_names_its_key(line: str, key: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^cucmsh.toml: {key}"):
        read(f"[tvs]\n{line}\n{EARLIER}")


@pytest.mark.parametrize("key", ["tvs", "http"])
@pytest.mark.parametrize("value", ["{ port = 0 }", '{ host = "" }', "1", "{ tls = 1 }"])
def test_mistake_in_an_address_names_its_node(key: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"nodes\[1\]\.{key}"):
        second(f"{key} = {value}\n")
