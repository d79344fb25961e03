"""``[lab]`` is refused wherever a production configuration could hold it."""

from __future__ import annotations

from pathlib import Path

import pytest

from cucmsh.config.settings import Settings, parse_settings
from cucmsh.errors import ConfigurationError

TEXT = """
[node]
name = "pub"
home = "{home}"
[cluster]
domain = "x.example"
[[cluster.nodes]]
name = "pub"
role = "publisher"
services = ["tftp"]
tftp_directory = "/srv/tftp"
tftp = {{ host = "{host}", port = 69 }}
{lab}
"""


def parsed(path: str, home: str, directory: str, host: str = "127.0.0.1") -> Settings:
    lab = f'[lab]\ndirectory = "{directory}"' if directory else ""
    text = TEXT.format(home=home, host=host, lab=lab)
    return parse_settings(text.encode(), path)


def test_a_labs_node_knows_its_lab() -> None:
    assert parsed("/l/pub/c.toml", "/l/pub/home", "/l").lab == "/l"
    assert not parsed("/etc/c.toml", "/var/lib/cucmsh", "").lab


@pytest.mark.parametrize(
    ("path", "home", "directory", "host"),
    [
        ("/etc/cucmsh/cucmsh.toml", "/var/lib/cucmsh", "/etc", "127.0.0.1"),
        ("/etc/cucmsh/cucmsh.toml", "/var/lib/cucmsh", "/l", "127.0.0.1"),
        ("/l/pub/c.toml", "/var/lib/cucmsh", "/l", "127.0.0.1"),
        ("/l/pub/c.toml", "/l/pub", "/l", "127.0.0.1"),
        ("/l/pub/c.toml", "/l/public/home", "/l", "127.0.0.1"),
        ("/l/pub/c.toml", "/l/pub/home", "/l", "192.0.2.1"),
        ("/l/pub/c.toml", "/l/pub/home", "/l", "pub.example.org"),
    ],
)
def test_no_other_configuration_may_have_it(
    path: str, home: str, directory: str, host: str
) -> None:
    with pytest.raises(ConfigurationError, match=r"lab\.directory") as refused:
        parsed(path, home, directory, host)
    assert refused.value.advice.startswith("Only `cucmsh lab` writes [lab]")


def test_unknown_keys_of_it_are_refused(tmp_path: Path) -> None:
    text = TEXT.format(
        home=f"{tmp_path}/pub/home",
        host="127.0.0.1",
        lab=f'[lab]\ndirectory = "{tmp_path}"\nclock = 1',
    )
    with pytest.raises(ConfigurationError, match=r"lab\.clock"):
        parse_settings(text.encode(), f"{tmp_path}/pub/c.toml")
