"""`cucmsh lab` where a node was installed and the lab's servers were not."""

import pytest

from cucmsh.config.settings import Settings
from cucmsh.errors import ServiceError
from cucmsh.lab import command
from cucmsh.lab.command import LabOptions
from cucmsh.services.site import Site


def _no_site(settings: Settings) -> Site:
    raise AssertionError(settings)


@pytest.mark.parametrize("serve", [True, False])
def test_lab_without_its_servers_says_what_installs_them(
    monkeypatch: pytest.MonkeyPatch, serve: bool
) -> None:
    monkeypatch.setattr(command, "find_spec", lambda _: None)
    said: list[str] = []
    options = LabOptions(serve=serve)
    with pytest.raises(ServiceError, match="asyncssh") as refused:
        command.lab(options, lambda *_: 0, _no_site, lambda *_: None, said.append)
    assert refused.value.advice.endswith("-m pip install 'cucmsh[lab]'")
    assert said == []
