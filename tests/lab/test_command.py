"""`cucmsh lab` where a node was installed and the lab's servers were not."""

import pytest

from cucmsh.errors import ServiceError
from cucmsh.lab import command
from cucmsh.lab.command import LabOptions


@pytest.mark.parametrize("serve", [True, False])
def test_lab_without_its_servers_says_what_installs_them(
    monkeypatch: pytest.MonkeyPatch, serve: bool
) -> None:
    monkeypatch.setattr(command, "find_spec", lambda _: None)
    said: list[str] = []
    with pytest.raises(ServiceError, match="asyncssh") as refused:
        command.lab(LabOptions(serve=serve), lambda *_: 0, said.append)
    assert refused.value.advice.endswith("-m pip install 'cucmsh[lab]'")
    assert said == []
