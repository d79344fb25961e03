"""``host``, ``host:port`` and ``[v6]:port``: the one place that reads and writes them.

Opens nothing and looks nothing up. What is refused is not repeated in the message: it
may be a password that was typed at the wrong place.
"""

from __future__ import annotations

from cucmsh.errors import UsageError

SSH_PORT = 22
# Where phones ask a node; of TVS their configuration says it, of HTTP nothing does.
TVS_PORT = 2445
HTTP_PORT = 6970
LONGEST_PORT = 5  # digits
NO_HOST = "A host is a name or an address."
FORMS = "Write NAME, NAME:PORT, ADDRESS or [ADDRESS]:PORT."


def split_host(text: str, default_port: int = SSH_PORT) -> tuple[str, int]:
    """``host``, ``host:port``, ``v6``, ``[v6]`` or ``[v6]:port`` (docs/decisions/005).

    IPv6 addresses come out without brackets, in their shortest form, so that two
    spellings are one host.

    Raises:
        UsageError: anything else.
    """
    host, port = text, str(default_port)
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise UsageError(NO_HOST, FORMS)
        port = rest[1:] if rest else port
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    return _checked(host), read_port(port)


def bare_host(text: str) -> str:
    """A host where no port belongs: a name, an address, or an IPv6 one in brackets.

    Raises:
        UsageError: a port is there too, or it is no host.
    """
    is_v6_alone = text.count(":") > 1 and not text.startswith("[")
    if ":" in text.rpartition("]")[2] and not is_v6_alone:
        raise UsageError("Only a host is meant here, and a port is there too.")
    return split_host(text)[0]


def read_port(text: str) -> int:
    """The number of a TCP or UDP port.

    Raises:
        UsageError: it is none.
    """
    is_number = text.isascii() and text.isdecimal() and len(text) <= LONGEST_PORT
    if not is_number or not 0 < int(text) < 1 << 16:
        raise UsageError("A port is a number from 1 to 65535.")
    return int(text)


def host_port(host: str, port: int) -> str:
    """``host:port``, with brackets around an IPv6 address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def plain_address(text: str) -> str:
    """An IP address as it is compared: shortest, without a zone.

    IPv4 that is mapped into IPv6, as a socket for both says it, comes out as IPv4.

    Raises:
        UsageError: it is none.
    """
    from ipaddress import ip_address  # noqa: PLC0415 - no login pays for it

    try:
        read = ip_address(text.partition("%")[0])
    except ValueError as problem:
        raise UsageError("That is no IP address.") from problem
    return str(getattr(read, "ipv4_mapped", None) or read)


def _checked(host: str) -> str:
    if ":" in host:
        return _shortest(host)
    letters = host.replace(".", "").replace("-", "").replace("_", "")
    if not letters.isalnum() or not host.isascii() or host.startswith("-"):
        raise UsageError(NO_HOST, FORMS)
    return host


def _shortest(address: str) -> str:
    # Few addresses are IPv6 ones, and every login would pay for the import.
    from socket import AF_INET6, inet_ntop, inet_pton  # noqa: PLC0415 - heavy, rare

    try:
        return inet_ntop(AF_INET6, inet_pton(AF_INET6, address))
    except (OSError, ValueError) as problem:
        raise UsageError("That is no IPv6 address.", FORMS) from problem
