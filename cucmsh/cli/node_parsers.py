"""The options of ``cucmsh node add``, ``node list`` and ``node remove``."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from cucmsh.cli.node_options import add_service, command, host, path, tftp
from cucmsh.cli.options import Parser, descriptor, text
from cucmsh.layout import DEFAULT_TFTP_DIRECTORY
from cucmsh.remote.known_hosts import HostKey
from cucmsh.services.nodes.add_plan import DEFAULT_USER


def node_parser() -> Parser:
    """What ``node`` takes; each verb has a parser of its own, see ``PARSERS``."""
    parser = Parser(
        "[--config FILE] node",
        "The nodes of the cluster, on its publisher: `node add NAME`, `node list`, "
        "`node remove NAME`. Each has a --help.",
    )
    parser.add_argument("verb", metavar="add|list|remove", choices=sorted(PARSERS))
    return parser


def add_parser() -> Parser:
    """What ``node add`` takes."""
    parser = Parser(
        "[--config FILE] node add",
        "Make another host a node of the cluster. Again for a node that is there: "
        "check it, and fetch what is new.",
        "Exit status: 0 done, 1 refused, 2 wrong use, 3 partly done.",
    )
    parser.add_argument("name", metavar="NAME", type=text, help="its host name")
    parser.option(
        "--host",
        metavar="HOST[:PORT]",
        type=host,
        help="where its sshd answers; needed for a new node",
    )
    parser.option(
        "--role",
        choices=["replica", "subscriber"],
        help="a replica serves the publisher's list; a subscriber, made there with "
        "`cucmsh init subscriber`, its own (default: replica)",
    )
    _add_login(parser)
    _add_services(parser)
    return parser


def list_parser() -> Parser:
    """What ``node list`` takes."""
    parser = Parser(
        "[--config FILE] node list",
        "Ask every node how it is.",
        "Exit status: 0 all is well, 1 warnings, 2 something fails.",
    )
    parser.flag("--json", help="one document instead")
    return parser


def remove_parser() -> Parser:
    """What ``node remove`` takes."""
    parser = Parser(
        "[--config FILE] node remove",
        "Take a node out of the cluster, and our key off it.",
        "Exit status: 0 done, 1 refused, 2 wrong use, 3 partly done.",
    )
    parser.add_argument("name", metavar="NAME", type=text, help="which one")
    return parser


PARSERS: dict[str, Callable[[], Parser]] = {
    "add": add_parser,
    "list": list_parser,
    "remove": remove_parser,
}


def host_key(value: str) -> str:
    """``TYPE KEY`` as ``authorized_keys`` and ``known_hosts`` have it; no comment."""
    kind, *rest = text(value).split() or [""]
    if not rest or not HostKey(kind, rest[0]).is_whole:
        raise argparse.ArgumentTypeError(
            "that is no public key; give type and key as one word for the shell: "
            "'ssh-ed25519 AAAA...'"
        )
    return f"{kind} {rest[0]}"


def _add_login(parser: Parser) -> None:
    parser.option(
        "--user",
        metavar="USER",
        type=text,
        help=f"the account there, which takes our key (default: {DEFAULT_USER})",
    )
    parser.option(
        "--host-key",
        metavar="'TYPE KEY'",
        type=host_key,
        help="its sshd's key, if you have it from the node itself",
    )
    parser.option(
        "--identity",
        metavar="FILE",
        type=path,
        help="a private key that opens the account now; without it, its password is "
        "asked",
    )
    parser.option(
        "--password-fd",
        metavar="N",
        type=descriptor,
        help="or read from the first line of this open descriptor",
    )


def _add_services(parser: Parser) -> None:
    parser.option(
        "--tftp-directory",
        metavar="DIR",
        type=path,
        help=f"of a replica (default: {DEFAULT_TFTP_DIRECTORY})",
    )
    parser.option(
        "--tftp",
        metavar="HOST[:PORT]",
        type=tftp,
        help="where its TFTP service answers (default: HOST:69)",
    )
    add_service(parser)
    parser.option(
        "--program",
        metavar="WORDS",
        type=command,
        default=(),
        help="what runs cucmsh on a subscriber (default: cucmsh)",
    )
