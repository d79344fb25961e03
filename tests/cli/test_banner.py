"""The banner of a login, which clients of other makes read."""

from __future__ import annotations

from cucmsh.cli.prompt import banner


def test_vmware_installation_stays_on_the_banner() -> None:
    """True on no machine of ours, and kept on purpose: it is read by programs.

    Clients of the original take this line and the tabbed ones below it as the sign that
    the login is through, and recorded sessions of theirs hold it (unicon's VOS data).
    """
    lines = banner()
    at = lines.index("VMware Installation:")
    assert lines[at - 2] == "   Welcome to the Platform Command Line Interface"
    assert all(line.startswith("\t") for line in lines[at + 1 : at + 4])
    assert lines[at + 4 :] == [""]
