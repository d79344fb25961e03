"""The configuration: what is read from it, and how a mistake is named."""

import os
import re
from pathlib import Path

import pytest

from cucmsh.config.model import NodeRole, SshAddress, TftpAddress
from cucmsh.config.settings import (
    is_outdated,
    parse_settings,
    read_settings,
    with_stamp,
)
from cucmsh.errors import ConfigurationError

# The example of the design, with a key and an identity for the third node.
EXAMPLE = """\
release = "10.0"
fidelity = "helpful"            # or "strict"
keep_trust = true               # the lab: false

[node]
name = "test10pub"
home = "/var/lib/cucmsh"

[cluster]
domain = "joemar2.lab"
subject = "OU=tac;O=cisco;L=rtp;ST=nc;C=US"
digest = "sha512"

[[cluster.nodes]]
name = "test10pub"
role = "publisher"
services = ["tftp", "tvs", "capf"]
tftp_directory = "/srv/tftp"
service_commands = "systemd:tftpd-hpa"

[[cluster.nodes]]
name = "test10sub"
role = "subscriber"
services = ["tftp", "tvs"]
tftp_directory = "/srv/tftp"
ssh = { host = "10.1.1.3", user = "cucmsh", identity = "/id", host_key = "ssh-rsa AA" }
service_commands = "systemd:tftpd-hpa"

[[cluster.nodes]]
name = "branch1"
role = "replica"
services = ["tftp"]
tftp_directory = "/srv/tftp"
ssh = { host = "10.2.1.2", user = "cucmsh", identity = "...", host_key = "a b c" }
service_commands = { restart = ["sudo", "restart"], status = ["status"] }
"""
LEAST = """\
[node]
name = "one"
[[cluster.nodes]]
name = "one"
role = "publisher"
services = []
"""


def write(tmp_path: Path, text: str) -> str:
    path = tmp_path / "cucmsh.toml"
    path.write_text(text)
    return str(path)


def test_example_of_the_design_reads(tmp_path: Path) -> None:
    settings = read_settings(write(tmp_path, EXAMPLE))
    publisher, subscriber, replica = settings.cluster.nodes
    assert settings.node is publisher is settings.cluster.publisher
    assert settings.cluster.members == (publisher, subscriber)
    assert settings.cluster.full_name(subscriber) == "test10sub.joemar2.lab"
    assert (settings.release, settings.digest) == ("10.0", "sha512")
    assert (settings.is_strict, settings.keep_trust) == (False, True)
    assert publisher.services == ("tftp", "tvs", "capf")
    assert publisher.service_commands is not None
    assert publisher.service_commands.restart == ("systemctl", "restart", "tftpd-hpa")
    assert publisher.tftp == TftpAddress("127.0.0.1", 69)
    assert subscriber.ssh == SshAddress("10.1.1.3", 22, "cucmsh", "/id", "ssh-rsa AA")
    assert subscriber.tftp == TftpAddress("10.1.1.3", 69)
    assert replica.role is NodeRole.REPLICA
    assert replica.ssh is not None
    assert replica.ssh.host_key == "a b"
    assert replica.service_commands is not None
    assert replica.service_commands.start == ()


@pytest.mark.parametrize("text", ["fd00::1", "[fd00::1]", "FD00:0::1"])
def test_ipv6_address_stands_with_and_without_brackets(
    tmp_path: Path, text: str
) -> None:
    wanted = EXAMPLE.replace("10.1.1.3", text)
    node = read_settings(write(tmp_path, wanted)).cluster.nodes[1]
    assert node.ssh is not None
    assert node.ssh.host == "fd00::1"
    assert node.tftp == TftpAddress("fd00::1", 69)


def test_what_is_left_out_has_the_safe_value(tmp_path: Path) -> None:
    settings = read_settings(write(tmp_path, LEAST))
    assert settings.keep_trust
    assert not settings.is_strict
    assert not settings.may_change_by_exec
    assert settings.packs == ()
    assert (settings.home, settings.digest) == ("/var/lib/cucmsh", "sha512")
    assert settings.cluster.full_name(settings.node) == "one"


NODE = "cluster.nodes[1]."


@pytest.mark.thorough
@pytest.mark.parametrize("value", ['"/var/lib/cucmsh/state/staging"', '"x"'])
def test_staging_of_earlier_versions_is_ignored(tmp_path: Path, value: str) -> None:
    here = 'role = "subscriber"\n'
    earlier = EXAMPLE.replace(here, f"{here}staging = {value}\n")
    assert earlier != EXAMPLE
    read = [read_settings(write(tmp_path, text)) for text in (earlier, EXAMPLE)]
    assert read[0].cluster == read[1].cluster


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('release = "10.0"', 'release = "9.1"', "release"),
        ('release = "10.0"', "release = 10.0", "release"),
        ("fidelity =", "fidelty =", "fidelty"),
        ('"helpful" ', '"exact" ', "fidelity"),
        ("keep_trust = true", "keep_trust = 1", "keep_trust"),
        ("keep_trust = true", 'exec = "some"', "exec"),
        ("keep_trust = true", 'packs = "one"', "packs"),
        ("keep_trust = true", 'packs = ["one", 2]', "packs"),
        ('[node]\nname = "test10pub"', "[node]", "node.name"),
        ('[node]\nname = "test10pub"', '[node]\nname = "other"', "node.name"),
        ('[node]\nname = "test10pub"', '[node]\nname = "branch1"', "node.name"),
        ('home = "/var', 'home = "var', "node.home"),
        ('home = "/var', 'house = "/var', "node.house"),
        ('home = "/var/lib/cucmsh"', 'home = ""', "node.home"),
        ("[node]", "[[node]]", "node"),
        ('"sha512"', '"md5"', "cluster.digest"),
        ('"joemar2.lab"', '"a\\u0007b"', "cluster.domain"),
        ("digest =", "digests =", "cluster.digests"),
        ('"subscriber"', '"publisher"', "cluster.nodes"),
        ('"publisher"', '"subscriber"', "cluster.nodes"),
        ('"test10sub"', '"test10pub"', "cluster.nodes"),
        ('"test10sub"', '"TEST10PUB"', "cluster.nodes"),
        ('"test10sub"', '"a.b"', f"{NODE}name"),
        ('"test10sub"', '"-b"', f"{NODE}name"),
        ('"test10sub"', '"../b"', f"{NODE}name"),
        ('"test10sub"', '""', f"{NODE}name"),
        ('"test10sub"', f'"{"a" * 64}"', f"{NODE}name"),
        ('"subscriber"', '"spare"', f"{NODE}role"),
        ('services = ["tftp", "tvs"]', 'services = "tftp"', f"{NODE}services"),
        ('services = ["tftp", "tvs"]', 'services = ["ntp"]', f"{NODE}services"),
        ('services = ["tftp", "tvs"]', "", f"{NODE}services"),
        ('services = ["tftp", "tvs"]', "services = []", f"{NODE}tftp_directory"),
        ('user = "cucmsh", identity = "/id"', 'identity = ""', f"{NODE}ssh.identity"),
        ('identity = "/id"', "identity = 1", f"{NODE}ssh.identity"),
        ('user = "cucmsh", identity = "/id"', 'user = ""', f"{NODE}ssh.user"),
        ('host = "10.1.1.3"', 'port = 22, key = "x"', f"{NODE}ssh.host"),
        ('host = "10.1.1.3"', 'host = "h:22"', f"{NODE}ssh.host"),
        ('host = "10.1.1.3"', 'host = "[fd00::1]:22"', f"{NODE}ssh.host"),
        ('host = "10.1.1.3"', 'host = "fd00::x"', f"{NODE}ssh.host"),
        ('host = "10.1.1.3"', 'host = "h", port = 0', f"{NODE}ssh.port"),
        ('host = "10.1.1.3"', 'host = "h", port = 65536', f"{NODE}ssh.port"),
        ('host = "10.1.1.3"', 'host = "h", port = true', f"{NODE}ssh.port"),
        ('host = "10.1.1.3"', 'host = "h", port = "22"', f"{NODE}ssh.port"),
        ('host = "10.1.1.3"', 'host = "h", agent = true', f"{NODE}ssh.agent"),
        ('"ssh-rsa AA"', '"ssh-rsa"', f"{NODE}ssh.host_key"),
        ('"a b c" }', '"a b" }\ntftp = {host = ""}', "cluster.nodes[2].tftp.host"),
        ('"a b c" }', '"a b" }\ntftp = {port = -1}', "cluster.nodes[2].tftp.port"),
        ('"a b c" }', '"a b" }\nweb = 1', "cluster.nodes[2].web"),
        ('["sudo", "restart"]', '"restart"', "service_commands.restart"),
        ('["sudo", "restart"]', '["a\\u0000b"]', "service_commands.restart"),
        ("{ restart =", "{ reload =", "service_commands.restart"),
        ('{ restart = ["sudo", "restart"]', '{ kill = ["x"], restart = ["x"]', ".kill"),
        (', status = ["status"]', "", "service_commands.status"),
    ],
)
def test_mistake_names_the_file_and_the_key(
    tmp_path: Path, old: str, new: str, key: str
) -> None:
    assert old in EXAMPLE
    path = write(tmp_path, EXAMPLE.replace(old, new, 1))
    with pytest.raises(ConfigurationError) as found:
        read_settings(path)
    assert found.value.message.startswith(f"{path}: ")
    assert f"{key}: " in found.value.message


@pytest.mark.parametrize("command", ["init:x", "systemd:", "systemd:-x", "systemd"])
def test_service_manager_is_systemd_with_a_unit(tmp_path: Path, command: str) -> None:
    path = write(tmp_path, EXAMPLE.replace("systemd:tftpd-hpa", command, 1))
    with pytest.raises(ConfigurationError, match="service_commands: "):
        read_settings(path)


def test_replica_without_tftp_and_relative_directory_are_impossible(
    tmp_path: Path,
) -> None:
    text = LEAST + '[[cluster.nodes]]\nname = "two"\nrole = "replica"\nservices = []\n'
    with pytest.raises(ConfigurationError, match=r"cluster\.nodes: a replica"):
        read_settings(write(tmp_path, text))
    text = LEAST.replace("[]", '["tftp"]\ntftp_directory = "srv"')
    with pytest.raises(ConfigurationError, match=r"nodes\[0\]\.tftp_directory: "):
        read_settings(write(tmp_path, text))


@pytest.mark.parametrize("text", ["", "[cluster]", "node = 1", LEAST[:20]])
def test_missing_tables_are_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"(node|cluster|cluster\.nodes): a"):
        read_settings(write(tmp_path, text))


def test_syntax_error_names_the_file_and_the_line(tmp_path: Path) -> None:
    path = write(tmp_path, 'release = "10.0"\nkeep_trust = yes\n')
    with pytest.raises(ConfigurationError, match="line 2") as found:
        read_settings(path)
    assert found.value.message.startswith(f"{path}: ")


def test_unreadable_files_are_named(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing.toml")
    with pytest.raises(ConfigurationError, match=r"missing\.toml") as found:
        read_settings(missing)
    assert "cucmsh lab" in found.value.advice
    with pytest.raises(ConfigurationError, match=str(tmp_path)):
        read_settings(str(tmp_path))
    (tmp_path / "latin").write_bytes(b'release = "\xe4"\n')
    with pytest.raises(ConfigurationError, match="latin"):
        read_settings(os.path.join(tmp_path, "latin"))


def test_words_that_run_cucmsh_on_a_node_are_the_configuration_s(
    tmp_path: Path,
) -> None:
    text = LEAST + 'program = ["/opt/cucmsh/bin/python", "-I", "-m", "cucmsh"]\n'
    program = read_settings(write(tmp_path, text)).node.program
    assert program == ("/opt/cucmsh/bin/python", "-I", "-m", "cucmsh")
    assert read_settings(write(tmp_path, LEAST)).node.program == ("cucmsh",)
    with pytest.raises(ConfigurationError, match=r"nodes\[0\]\.program"):
        read_settings(write(tmp_path, LEAST + "program = []\n"))


def test_patterns_of_signed_files_are_phones_unless_others_are_named(
    tmp_path: Path,
) -> None:
    assert "*.xml" in read_settings(write(tmp_path, LEAST)).signed_patterns
    own = '[signing]\npatterns = ["SEP*"]\n' + LEAST
    assert read_settings(write(tmp_path, own)).signed_patterns == ("SEP*",)
    for text, fault in (
        ('[signing]\npatterns = "x"\n', "signing.patterns: a list of texts is needed"),
        ("[signing]\npattern = []\n", "signing.pattern: unknown key"),
        ("signing = 1\n", "signing: a table is needed"),
    ):
        with pytest.raises(ConfigurationError, match=fault):
            read_settings(write(tmp_path, text + LEAST))


def test_unknown_keys_are_answered_by_all_that_can_stand_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read_settings(write(tmp_path, "[alarm]\n" + LEAST))
    known = str(refused.value).split("known here: ")[1].split(", ")
    assert {"alarms", "inventory", "phones", "signing", "tvs"} <= set(known)


def test_folders_are_served_as_others(tmp_path: Path) -> None:
    own = '[signing]\nserved_as = { settings = "", "a/*" = "Desktops" }\n' + LEAST
    expected = (("settings", ""), ("a/*", "Desktops"))
    assert read_settings(write(tmp_path, own)).served_as == expected
    assert read_settings(write(tmp_path, LEAST)).served_as == ()
    for value in (
        '"settings"',
        "{ settings = 1 }",
        '{ "/srv" = "" }',
        '{ "a/" = "" }',
        '{ "../a" = "" }',
        '{ "a*" = "" }',
        '{ "" = "a" }',
        '{ a = "*" }',
        '{ a = "/b" }',
    ):
        text = f"[signing]\nserved_as = {value}\n{LEAST}"
        with pytest.raises(ConfigurationError, match=r"signing\.served_as: "):
            read_settings(write(tmp_path, text))


REPLICA = """
[[cluster.nodes]]
name = "branch1"
role = "{role}"
services = ["tftp"]
tftp_directory = "/srv/tftp"
bring = {bring}
"""


def test_replica_names_the_plain_files_that_it_is_brought(tmp_path: Path) -> None:
    text = LEAST + REPLICA.format(role="replica", bring='["*.loads", "tones/*"]')
    nodes = read_settings(write(tmp_path, text)).cluster.nodes
    assert [node.bring for node in nodes][-1] == ("*.loads", "tones/*")
    assert nodes[0].bring == ()


@pytest.mark.parametrize(
    ("role", "bring", "said"),
    [
        ("subscriber", '["*.loads"]', "files are brought to replicas only"),
        ("replica", '[""]', "a pattern is empty"),
        ("replica", '"*.loads"', "a list of texts is needed"),
    ],
)
def test_bring_that_cannot_be_names_its_key(
    tmp_path: Path, role: str, bring: str, said: str
) -> None:
    text = LEAST + REPLICA.format(role=role, bring=bring)
    with pytest.raises(ConfigurationError, match=said) as caught:
        read_settings(write(tmp_path, text))
    assert "cluster.nodes[1].bring" in caught.value.message


def test_example_of_the_production_page_is_a_configuration(tmp_path: Path) -> None:
    page = Path(__file__).parents[2] / "docs" / "production.md"
    blocks = re.findall(
        r"^```toml\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE
    )
    (example,) = (block for block in blocks if "release =" in block)
    settings = read_settings(write(tmp_path, example))
    assert [node.name for node in settings.cluster.nodes] == ["pub", "branch1"]


def test_settings_are_outdated_once_their_file_is_another(tmp_path: Path) -> None:
    path = write(tmp_path, LEAST)
    settings = read_settings(path)
    assert not is_outdated(settings)
    other = tmp_path / "other"
    other.write_text(LEAST)
    other.replace(path)  # the same bytes: somebody wrote it all the same
    assert is_outdated(settings)
    assert not is_outdated(with_stamp(settings))
    assert not is_outdated(read_settings(path))
    os.remove(path)
    assert is_outdated(settings)
    with pytest.raises(ConfigurationError, match="No such file"):
        with_stamp(settings)


def test_settings_that_were_read_from_no_file_are_never_outdated(
    tmp_path: Path,
) -> None:
    path = str(tmp_path / "cucmsh.toml")
    assert not is_outdated(parse_settings(LEAST.encode(), path))


def test_file_that_cannot_be_looked_at_makes_nothing_outdated(tmp_path: Path) -> None:
    settings = read_settings(write(tmp_path, LEAST))
    hidden = settings._replace(path=f"{settings.path}/below")  # not a directory
    assert not is_outdated(hidden)
