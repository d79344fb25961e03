"""The rigs whose servers live as long as the process, and which files begin the run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import settings

pytest_plugins = ["tests.rigs.servers", "tests.rigs.draws"]

# On every save; what the fast set draws few of, the whole run draws many of.
settings.register_profile("fast", max_examples=20)

# The files that take longest, longest first: a worker that came to one of these last
# would go on alone for minutes. Measured; what is not here is short.
LONGEST = (
    # Not long: its event loop is first in a process in which little was opened before.
    "lab/test_ssh_server",
    "faults/test_network",
    "cli/login/test_sshd",
    "cli/test_refusals",
    "faults/test_services",
    "story/test_sleeping_readers",
    "cli/test_causes",
    "cli/test_from_nothing",
    "story/test_one_command",
    "faults/test_members",
    "faults/test_disks",
    "story/test_signed_files",
    "story/test_story",
    "story/test_phones",
    "faults/test_terminal",
    "escape/test_threats",
    "services/records/test_history",
    "testing/test_for_others",
    "story/test_bad_input",
    "cli/test_rebuild",
    "faults/test_recovery",
    "faults/test_order",
    "story/test_lab",
    "lab/test_operations",
    "lab/phones/test_trust_lost_and_back",
    "cli/login/test_start",
    "lab/test_tvs_of_nodes",
    "clients/test_clients",
    "cli/login/test_serve_node",
    "faults/test_soak",
    "faults/test_lists",
    "faults/test_key_files",
    "services/lists/test_histories",
    "services/lists/test_kept_histories",
    "services/lists/test_reset",
    "pki/test_key_file_makers",
    "pki/test_foreign",
    "faults/test_logins",
    "cli/login/test_isolation",
    "cli/test_init_node",
    "remote/test_known_hosts_table",
    "faults/test_kill_sweep",
    "faults/test_eight_nodes",
    "escape/test_keys",
    "escape/test_strings",
    "story/test_readme",
    "cli/test_take_over",
    "faults/test_readers",
    "cli/login/test_breaks",
    "terminal/test_shell_people",
    "services/certificates/test_key_files",
    "trustlist/test_signed",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first; the order inside of a file stays."""
    ranks = {f"tests/{name}.py": rank for rank, name in enumerate(LONGEST)}
    items.sort(key=lambda item: ranks.get(item.nodeid.partition("::")[0], len(LONGEST)))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Read no file that ``-m "not A and not B"`` leaves out whole.

    Its ``pytestmark`` says so; importing it takes longer than many tests do.
    """
    chosen: str = config.option.markexpr
    if collection_path.suffix != ".py" or not re.fullmatch(
        r"not \w+( and not \w+)*", chosen
    ):
        return None
    said = re.search(r"^pytestmark = .*$", collection_path.read_text(), re.MULTILINE)
    marks = set(re.findall(r"pytest\.mark\.(\w+)", said[0])) if said else set()
    return True if marks & set(re.findall(r"not (\w+)", chosen)) else None
