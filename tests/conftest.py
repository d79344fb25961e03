"""The rigs whose servers live as long as the process, and which files begin the run."""

from __future__ import annotations

import pytest
from hypothesis import settings

pytest_plugins = ["tests.rigs.servers", "tests.rigs.draws"]

# On every save; what the fast set draws few of, the whole run draws many of.
settings.register_profile("fast", max_examples=20)

# The files that take longest, longest first: a worker that came to one of these last
# would go on alone for minutes. Measured; what is not here is short.
LONGEST = (
    "escape/test_keys",
    "faults/test_members",
    "faults/test_kill_sweep",
    "escape/test_strings",
    "escape/test_threats",
    "cli/login/test_isolation",
    "cli/login/test_sshd",
    "faults/test_network",
    "faults/test_disks",
    "story/test_bad_input",
    "clients/test_clients",
    "cli/test_refusals",
    "cli/test_init_node",
    "story/test_lab",
    "cli/login/test_serve_node",
    "faults/test_recovery",
    "faults/test_key_files",
    "pki/test_key_file_makers",
    "testing/test_for_others",
    "cli/test_from_nothing",
    "story/test_story",
    "faults/test_terminal",
    "cli/login/test_start",
    "faults/test_lists",
    "cli/login/test_breaks",
    "story/test_one_command",
    "cli/test_causes",
    "terminal/test_shell_people",
    "faults/test_services",
    "pki/test_foreign",
    "services/lists/test_histories",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first; the order inside of a file stays."""
    ranks = {f"tests/{name}.py": rank for rank, name in enumerate(LONGEST)}
    items.sort(key=lambda item: ranks.get(item.nodeid.partition("::")[0], len(LONGEST)))
