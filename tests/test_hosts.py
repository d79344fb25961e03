"""Hosts and ports as people write them."""

import pytest

from cucmsh.errors import UsageError
from cucmsh.hosts import bare_host, host_port, split_host


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("host.example", "host.example", 22),
        ("host_1:2222", "host_1", 2222),
        ("10.1.1.3:69", "10.1.1.3", 69),
        ("fd00::1", "fd00::1", 22),
        ("[fd00::1]", "fd00::1", 22),
        ("[fd00::1]:2222", "fd00::1", 2222),
        ("FD00:0:0:0::1", "fd00::1", 22),
        ("[2001:DB8::0:1]:69", "2001:db8::1", 69),
        ("::1", "::1", 22),
        ("[name]:2222", "name", 2222),
    ],
)
def test_host_and_port_are_told_apart(text: str, host: str, port: int) -> None:
    assert split_host(text) == (host, port)
    assert split_host(host_port(host, port)) == (host, port)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            ":22",
            "host:",
            "host:0",
            "host:65536",
            "host:" + "9" * 5000,
            "host:0000229999",
            "host:x",
        ),
        *(
            "[::1",
            "::1]",
            "[::1]2",
            "[::1]:",
            "[]:22",
            "[::1]:1:2",
            "1:2:3",
            "fe80::1%e",
        ),
        *("-oProxyCommand=x", "a b", "é", "a@b", "[a b]:22", "::1::"),
    ],
)
def test_what_is_no_host_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        split_host(text)


def test_port_is_refused_where_only_a_host_is_meant() -> None:
    assert bare_host("[FD00::1]") == bare_host("fd00:0::1") == "fd00::1"
    assert bare_host("host.example") == "host.example"
    for text in ("host:22", "[fd00::1]:22"):
        with pytest.raises(UsageError, match="a port is there too"):
            bare_host(text)
