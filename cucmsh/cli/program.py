"""The program's own options and its verbs: finds out what was asked for, and runs it.

What was asked for is imported then: the prompt pays for no verb, a hook for no prompt.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence

from cucmsh.app import find_configuration
from cucmsh.cli.login.request import ASKED
from cucmsh.cli.options import WIDTH, HelpAskedError, Parser, file_name
from cucmsh.cli.terminal import show

VERBS = (
    *("lab", "verify", "doctor", "init", "node", "adopt", "export", "tvs"),
    *("phones", "preview", "web"),
    "hook",
)
EPILOG = """\
verbs:
  lab       a cluster on 127.0.0.1, and its shell
  verify    check a list or a signed file
  doctor    what is not well with this node
  init      make a publisher or a subscriber; --sshd: logins through SSH
  node      add, list and remove the nodes of the cluster
  adopt     take over phones that hold lists of another tool or of a CUCM
  export    keys and lists for another tool
  tvs       answer phones that do not know a signer, until it is stopped
  web       the page of this node, until it is stopped
  preview   who would take the list that is served after a change
  phones    what logs, SIP and web pages say of phones, into the inventory
  hook      what services, scripts and other nodes run
Each has a --help: cucmsh VERB --help. Without a verb or -c, the admin: prompt opens.

The configuration is FILE, $CUCMSH_CONFIG or /etc/cucmsh/cucmsh.toml.
Exit status: 0 done, 1 refused or failed, 2 wrong use, 3 partly done; of doctor and
node list: 0 all is well, 1 warnings, 2 something fails."""


def program_parser() -> Parser:
    """What ``cucmsh`` itself takes."""
    parser = Parser("", "The admin: shell of a node, and what belongs to it.", EPILOG)
    parser.formatter_class = _formatter
    parser.usage = "cucmsh [--config FILE] [-c LINE [--json] | VERB ...]"
    parser.option(
        "--config",
        metavar="FILE",
        type=file_name,
        help="the configuration of the node",
    )
    parser.option(
        "-c", dest="line", metavar="LINE", help="run one command of the shell"
    )
    parser.flag("--json", help="with -c: its result as one JSON document")
    parser.flag("--version", help="show which build this is")
    parser.add_argument("verb_argv", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return parser


def _formatter(prog: str) -> argparse.HelpFormatter:
    return argparse.RawDescriptionHelpFormatter(prog, width=WIDTH)


def run(argv: Sequence[str]) -> int:
    """Run what was asked for; returns the exit status.

    Args:
        argv: what was typed after ``cucmsh``.

    Raises:
        CucmshError: it was refused, or it failed.
    """
    parser = program_parser()
    try:
        given = parser.parse_args(argv)
        if given.help or given.verb_argv == ["help"]:
            return show(parser.format_help().rstrip())
        return _run(parser, given)
    except HelpAskedError as asked:
        return show(asked.text)


def _run(parser: Parser, given: argparse.Namespace) -> int:
    if given.verb_argv and (given.version or given.line is not None):
        parser.error(f"these words are not understood: {' '.join(given.verb_argv)}")
    if given.json and given.line is None:
        parser.error("--json is for -c LINE, or follows the verb")
    if given.version:
        from cucmsh.build import version_line

        return show(version_line())
    if given.verb_argv:
        verb, *rest = given.verb_argv
        return _run_verb(parser, given.config or "", verb, rest)
    if given.line is None and ASKED in os.environ:
        return _run_forced(given.config or "", os.environ[ASKED])
    configuration = find_configuration(given.config or "", os.environ)
    if given.line is None:
        from cucmsh.cli import prompt

        return prompt.run_shell(configuration)
    from cucmsh.cli import session

    run_line = session.run_json if given.json else session.run_command
    return run_line(configuration, given.line)


def _run_verb(parser: Parser, named: str, verb: str, argv: Sequence[str]) -> int:
    if verb not in VERBS:
        parser.error(f"these words are not understood: {' '.join([verb, *argv])}")
    if verb == "hook":
        from cucmsh.cli import hook

        return hook.run(named, argv)
    if verb == "lab":
        from cucmsh.cli import lab

        return lab.run(argv)
    if verb == "verify":
        from cucmsh.cli import verify

        return verify.run(argv)
    return _run_on_node(find_configuration(named, os.environ), verb, argv)


def _run_on_node(configuration: str, verb: str, argv: Sequence[str]) -> int:
    """The verbs that are about the node of a configuration."""
    run_verb: Callable[[str, Sequence[str]], int]
    if verb == "doctor":
        from cucmsh.cli import doctor

        run_verb = doctor.run
    elif verb == "web":
        from cucmsh.cli import web

        run_verb = web.run
    elif verb == "init":
        from cucmsh.cli import init

        run_verb = init.run
    elif verb == "adopt":
        from cucmsh.cli import adopt

        run_verb = adopt.run
    elif verb == "export":
        from cucmsh.cli import export

        run_verb = export.run
    elif verb == "tvs":
        from cucmsh.cli import tvs

        run_verb = tvs.run
    elif verb == "phones":
        from cucmsh.cli import phones

        run_verb = phones.run
    elif verb == "preview":
        from cucmsh.cli import preview

        run_verb = preview.run
    else:
        from cucmsh.cli import node

        run_verb = node.run
    return run_verb(configuration, argv)


def _run_forced(configuration: str, line: str) -> int:
    """An exec request, where `cucmsh` is sshd's forced command."""
    from cucmsh.cli.login.serve import serve_forced

    return serve_forced(configuration, line)
