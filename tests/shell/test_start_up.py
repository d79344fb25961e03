"""What a login may import: modules at the first prompt, and behind it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.thorough

PROJECT = Path(__file__).parents[2]
HEAVY = {
    *("argparse", "asyncio", "cryptography", "http", "paramiko", "prompt_toolkit"),
    *("defusedxml", "psycopg", "pyasn1", "sqlalchemy", "sqlite3", "ssl", "tomlkit"),
}
# Read by those alone who are set by them.
RARE = {
    *("cucmsh.config.alarms", "cucmsh.config.inventory", "cucmsh.config.phones"),
    *("cucmsh.config.monitor", "cucmsh.config.tvs"),
    "cucmsh.services.records.alarm_places",
}
# OpenSSL's libcrypto, and what a dataclass brings along.
HEAVY_AT_THE_PROMPT = HEAVY | {"_hashlib", "dataclasses", "inspect"}
CONFIGURATION = """\
[node]
name = "pub"
home = "{folder}/home"

[cluster]
domain = "example.org"

[[cluster.nodes]]
name = "pub"
role = "publisher"
services = ["tftp", "tvs"]
tftp_directory = "{folder}/tftp"
service_commands = "systemd:tftpd-hpa"

[[cluster.nodes]]
name = "branch1"
role = "replica"
services = ["tftp"]
tftp_directory = "/srv/tftp"
ssh = {{ host = "127.0.0.1", identity = "/nowhere", host_key = "ssh-ed25519 AAAA" }}
service_commands = {{ restart = ["true"], status = ["true"] }}
"""
# What a round of the Certificate Monitor left for a login; the files are not there.
NOTICE = 'unsaved = ";"\nunits = ["TVS"]\nnames = ["TVS"]\nfiles = [""]\n'
NOTICE += 'stamps = [""]\nends = [1393438000]\nothers = 0\n'
STATE = 'sha256 = "00"\ntimestamp = 1393438000\nremark = "a remark"\nearlier = ""\n'
# The prompt is printed first; what a session needs is loaded then.
PROGRAM = """
import sys
sys.path.insert(0, {project!r})
from cucmsh.cli import prompt
say, seen = prompt.Screen.prompt_ahead, []
def ahead(*words):
    seen.append(set(sys.modules))
    return say(*words)
prompt.Screen.prompt_ahead = ahead
prompt.run_shell({configuration!r})
seen.append(set(sys.modules))
for modules in seen:
    print("", *sorted(modules), file=sys.stderr)
"""


@pytest.fixture(scope="module")
def login(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[set[str]]]:
    """What a login printed, and its modules at the prompt and when it had ended."""
    folder = tmp_path_factory.mktemp("node")
    state = folder / "home" / "state"
    state.mkdir(parents=True)
    (state / "published.toml").write_text(STATE)
    (state / "monitor-notice.toml").write_text(NOTICE)
    (folder / "tftp").mkdir()
    made = bytes((15, 0, 4)) + (1393438000).to_bytes(4, "big")
    (folder / "tftp" / "ITLFile.tlv").write_bytes(b"\1\0\2\1\0" + made)
    configuration = folder / "cucmsh.toml"
    configuration.write_text(CONFIGURATION.format(folder=folder))
    program = PROGRAM.format(project=str(PROJECT), configuration=str(configuration))
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program],
        input="show version active\n",
        capture_output=True,
        check=True,
        text=True,
    )
    return done.stdout, [set(line.split()) for line in done.stderr.splitlines()]


def test_nothing_heavy_is_imported_on_the_way_to_the_prompt(
    login: tuple[str, list[set[str]]],
) -> None:
    """The configuration is read by then, and the notice of this login decided."""
    said, (at_the_prompt, _) = login
    assert said.index("a remark") < said.index("admin:")
    assert said.index("The recovery key has not been") < said.index("admin:")
    assert "The certificate TVS has expired on 2014-02-2" in said
    assert "cucmsh.services.records.open_work" in at_the_prompt
    assert not HEAVY_AT_THE_PROMPT & at_the_prompt
    assert not RARE & at_the_prompt


def test_nothing_heavy_is_imported_by_a_session_with_a_simple_command(
    login: tuple[str, list[set[str]]],
) -> None:
    said, (_, at_the_end) = login
    assert "Active Master Version" in said
    assert "cucmsh.shell.session" in at_the_end
    assert not HEAVY & at_the_end


def test_a_session_imports_the_commands_that_are_typed(
    login: tuple[str, list[set[str]]],
) -> None:
    _, (at_the_prompt, at_the_end) = login
    imported = {name for name in at_the_end if name.startswith("commands.")}
    assert imported == {"commands.node"}
    assert not imported & at_the_prompt


@pytest.mark.parametrize(
    ("module", "not_for_it"),
    [
        ("cucmsh.cli.hook", "cucmsh.shell.session"),
        ("cucmsh.cli.doctor", "cucmsh.shell.session"),
        ("cucmsh.cli.hook", "cucmsh.services.nodes.join"),
        ("cucmsh.cli.hooks.status", "cucmsh.services.lists.compose"),
        ("cucmsh.cli.login.serve", "cucmsh.services.accounts.store"),
        ("cucmsh.cli.session", "cucmsh.cli.prompt"),
        ("cucmsh.cli.session", "cucmsh.services.nodes.node_id"),
        ("cucmsh.cli.program", "cucmsh.cli.node_options"),
        ("cucmsh.services.phones.holders", "sqlalchemy"),
        # A session of a lab's node imports its pack.
        ("cucmsh.lab.pack.clock", "socket"),
        ("cucmsh.lab.pack.node", "cucmsh.lab.conditions"),
        ("cucmsh.lab.pack.snapshots", "socket"),
        ("cucmsh.config.lab", "ipaddress"),
    ],
)
def test_each_way_in_imports_its_own(module: str, not_for_it: str) -> None:
    program = (
        "import sys\n"
        f"sys.path.insert(0, {str(PROJECT)!r})\n"
        f"import {module}\n"
        f"assert {not_for_it!r} not in sys.modules\n"
        f"import {not_for_it}\n"
    )
    subprocess.run([sys.executable, "-I", "-c", program], check=True, timeout=60)


def test_the_editor_comes_without_tls_and_leaves_it_to_others() -> None:
    program = (
        "import sys\n"
        f"sys.path.insert(0, {str(PROJECT)!r})\n"
        "from cucmsh.shell.editor_import import import_editor\n"
        "import_editor()\n"
        "assert 'cucmsh.shell.editor' in sys.modules\n"
        "assert 'asyncio' in sys.modules\n"
        "assert 'ssl' not in sys.modules\n"
        "import_editor()\n"
        "import ssl\n"
        "ssl.create_default_context()\n"
    )
    words = [sys.executable, "-I", "-c", program]
    subprocess.run(words, check=True, timeout=60)
