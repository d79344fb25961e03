"""Several services a node: a table for each, beside the short form."""

from __future__ import annotations

from pathlib import Path

import pytest

from cucmsh.config.entries import entry_of
from cucmsh.config.model import (
    CAPF,
    CHANGE_NOTIFICATION,
    EXPIRY_MONITOR,
    TFTP,
    TVS,
    Node,
    ServiceCommands,
)
from cucmsh.config.settings import read_settings
from cucmsh.errors import ConfigurationError

HEAD = """\
[node]
name = "one"
[[cluster.nodes]]
name = "one"
role = "publisher"
"""
DIRECTORY = 'tftp_directory = "/srv/tftp"\n'
FOUR = """\
[[cluster.nodes.services]]
name = "Cisco Tftp"
unit = "tftpd-hpa"
[[cluster.nodes.services]]
name = "Cisco Trust Verification Service"
unit = "cucmsh-tvs"
[[cluster.nodes.services]]
name = "Cisco Certificate Expiry Monitor"
commands = { start = ["a"], stop = ["b"], restart = ["c"], status = ["d"] }
[[cluster.nodes.services]]
name = "Cisco Certificate Change Notification"
unit = "cucmsh-changes"
"""


def unit(name: str) -> ServiceCommands:
    return ServiceCommands(
        start=("systemctl", "start", name),
        stop=("systemctl", "stop", name),
        restart=("systemctl", "restart", name),
        status=("systemctl", "is-active", "--quiet", name),
    )


def node(tmp_path: Path, text: str) -> Node:
    path = tmp_path / "cucmsh.toml"
    path.write_text(
        HEAD + (DIRECTORY if "Tftp" in text or "tftp" in text else "") + text
    )
    return read_settings(str(path)).node


def test_each_service_has_its_own_commands(tmp_path: Path) -> None:
    found = node(tmp_path, FOUR)
    assert found.services == ("tftp", "tvs")
    assert found.service_commands == found.commands_of(TFTP) == unit("tftpd-hpa")
    assert found.commands_of(TVS) == unit("cucmsh-tvs")
    words = ServiceCommands(("a",), ("b",), ("c",), ("d",))
    assert found.commands_of(EXPIRY_MONITOR) == words
    assert found.commands_of(CHANGE_NOTIFICATION) == unit("cucmsh-changes")
    assert found.commands_of(CAPF) is None


def test_tvs_and_capf_need_no_commands(tmp_path: Path) -> None:
    text = "".join(f'[[cluster.nodes.services]]\nname = "{at}"\n' for at in (TVS, CAPF))
    found = node(tmp_path, text)
    assert found.services == ("tvs", "capf")
    assert found.other_services == ()


def test_short_form_means_what_it_meant(tmp_path: Path) -> None:
    short = 'services = ["tftp", "tvs"]\nservice_commands = "systemd:tftpd-hpa"\n'
    found = node(tmp_path, short)
    assert (found.services, found.other_services) == (("tftp", "tvs"), ())
    assert found.commands_of(TFTP) == unit("tftpd-hpa")


def test_other_nodes_are_told_what_a_node_is_and_no_commands(tmp_path: Path) -> None:
    entry = entry_of(node(tmp_path, FOUR))
    assert entry["services"] == ["tftp", "tvs"]
    assert "cucmsh-tvs" not in str(entry)


AGAIN = '[[cluster.nodes.services]]\nname = "Cisco Tftp"\n'
MISTAKES = [
    ('name = "Cisco Tftp"', 'name = "Cisco CallManager"', "services[0].name: "),
    ('unit = "cucmsh-tvs"', "unit = 7", "services[1].unit: "),
    ('unit = "cucmsh-tvs"', 'unit = "--now"', "services[1].unit: "),
    ('unit = "cucmsh-tvs"', 'unix = "x"', "services[1].unix: unknown key"),
    ('unit = "cucmsh-changes"', "", "services[3].unit: a unit or commands"),
    ('status = ["d"] ', 'state = ["d"] ', "services[2].commands.status: "),
    ("commands = {", 'unit = "x"\ncommands = {', "services[2].commands: "),
    (FOUR, FOUR + AGAIN, "services[4].name: Cisco Tftp is there twice"),
    (FOUR, f'service_commands = "systemd:x"\n{FOUR}', "service_commands: the commands"),
    (FOUR, 'services = ["tftp", { name = "Cisco Tftp" }]\n', "services: a list of tab"),
]


@pytest.mark.parametrize(("old", "new", "message"), MISTAKES)
def test_mistake_names_the_file_and_the_key(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert old in FOUR
    with pytest.raises(ConfigurationError) as refusal:
        node(tmp_path, FOUR.replace(old, new))
    wanted = f"{tmp_path / 'cucmsh.toml'}: cluster.nodes[0].{message}"
    assert refusal.value.message.startswith(wanted)
