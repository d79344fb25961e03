"""What a member says in place of its description, and what that means."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from cucmsh.config.model import (
    HttpAddress,
    Node,
    NodeRole,
    SshAddress,
    TftpAddress,
    TvsAddress,
)
from cucmsh.errors import ServiceError
from cucmsh.remote.runner import Completed
from cucmsh.services.nodes.confine import ask_description, opens_a_shell
from tests.services.made_cluster import AtOnce

NODE = Node(
    name="sub",
    role=NodeRole.SUBSCRIBER,
    services=("tvs",),
    tftp_directory="",
    tftp=TftpAddress("127.0.0.1", 69),
    tvs=TvsAddress("127.0.0.1", 2445),
    http=HttpAddress("127.0.0.1", 6970),
    ssh=SshAddress("127.0.0.1", 22, "cucmsh", "/key", "ssh-ed25519 AAAA"),
    service_commands=None,
    program=("cucmsh",),
)


class Talks(AtOnce):
    """An account whose start-up file prints before every command."""

    def run(self, words: Sequence[str], timeout_seconds: float = 60) -> Completed:
        assert timeout_seconds > 0
        said = words[1] if words[0] == "echo" else "{}"
        return Completed(0, f"Welcome\n{said}", "")

    def close(self) -> None:
        """Holds nothing."""


def test_a_talking_start_up_file_of_a_member_is_named() -> None:
    with pytest.raises(ServiceError, match="prints 'Welcome' before anything") as told:
        ask_description(Talks(), NODE)
    assert ".bashrc" in told.value.advice


def test_a_shell_is_a_shell_whatever_it_prints_before() -> None:
    assert opens_a_shell(Talks())
