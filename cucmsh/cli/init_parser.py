"""The options of ``cucmsh init publisher`` and ``init subscriber``."""

from __future__ import annotations

from cucmsh.cli.adopt_options import add_adoption
from cucmsh.cli.node_options import add_folders, add_service, add_tvs_unit, tftp
from cucmsh.cli.options import Parser, descriptor, text, text_or_nothing
from cucmsh.release import NEW_RELEASE, RELEASES


def init_parser() -> Parser:
    """What ``init publisher`` and ``init subscriber`` take."""
    parser = Parser(
        "[--config FILE] init",
        "Make this node: its keys, certificates, secrets and configuration. The names "
        "are shown and confirmed, and the passwords asked. What root runs for logins "
        "through SSH is printed by `cucmsh init --sshd`; see its --help.",
        "The cluster security password has 14 characters or more, the CCM "
        "Administrator password 8 or more. Neither is the other.",
    )
    parser.add_argument(
        "role",
        choices=["publisher", "subscriber"],
        help="the first node of a cluster, or a further one with keys of its own",
    )
    _add_names(parser)
    add_folders(parser)
    _add_services(parser)
    parser.flag(
        "--again",
        help="make the node anew that is there; its keys, state and configuration are "
        "kept in HOME/earlier/1 (2, ...)",
    )
    parser.flag("--yes", help="ask no question but for the passwords")
    parser.option(
        "--release",
        choices=RELEASES,
        default=NEW_RELEASE,
        help=f"of the original, which says who signs lists (default: {NEW_RELEASE}, "
        "the recovery key; 10.0: each node's CallManager); a subscriber takes that of "
        "its publisher",
    )
    parser.option(
        "--secrets-fd",
        metavar="N",
        type=descriptor,
        help="read the cluster security password from the first line of this open "
        "descriptor, a publisher's CCM Administrator password from the second, those "
        "of protected key files from the lines behind, and ask nothing",
    )
    add_adoption(parser, is_needed=False)
    parser.flag(
        "--dry-run",
        help="with --adopt-list: show what phones will think, and make nothing",
    )
    return parser


def _add_names(parser: Parser) -> None:
    parser.option(
        "--name",
        metavar="NAME",
        type=text,
        required=True,
        help="this node's host name, without domain",
    )
    parser.option(
        "--publisher",
        metavar="NAME",
        type=text_or_nothing,
        default="",
        help="of the cluster that a subscriber is made for",
    )
    parser.option(
        "--domain",
        metavar="DOMAIN",
        type=text_or_nothing,
        default="",
        help="of the host names (default: none)",
    )
    parser.option(
        "--subject",
        metavar="SUBJECT",
        type=text_or_nothing,
        default="",
        help="of the certificates, such as 'OU=it;O=example;C=US': OU, O (64 "
        "characters), L, ST (128), C (2 letters) (default: none)",
    )


def _add_services(parser: Parser) -> None:
    parser.option(
        "--tftp",
        metavar="HOST[:PORT]",
        type=tftp,
        help="where it answers (default: 127.0.0.1:69)",
    )
    add_service(parser)
    add_tvs_unit(parser)
    parser.option(
        "--services",
        metavar="LIST",
        type=text,
        help="of tftp, tvs and capf (default: tftp,tvs,capf for a publisher, tftp,tvs "
        "for a subscriber)",
    )
