"""The front door: reads the options, drops strangers from the path, calls the app.

No traceback passes it, and nothing is printed but through ``Screen``, which makes
visible what a file, a host or a command line says (docs/security.md T10).
An account's login shell and forced command come in by `login`, all others by `main`.
"""

from __future__ import annotations

import gc
import os
import resource
import sys
from typing import TYPE_CHECKING

from cucmsh.errors import (
    BrokenProgramError,
    CucmshError,
    UsageError,
    is_import_failure,
)
from cucmsh.shell.screen import Screen

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

# What is imported stays: collecting garbage on the way to the prompt costs 6 % of it
# and finds none. The app turns it on again when the prompt is there.
gc.disable()

USAGE = """\
usage: cucmsh [--config FILE]                      the admin shell of a node
       cucmsh [--config FILE] -c 'show itl' [--json]
                                                   one command; its result as JSON
       cucmsh lab [--subscribers N] [--dir DIR] [--serve]
                                                   a cluster on 127.0.0.1, and its shell
       cucmsh verify FILE [--against HELD] [--as NAME]
                                                   check a list or a signed file
       cucmsh [--config FILE] doctor [--json] [ACCOUNT...]
                                                   what is not well with this node
       cucmsh [--config FILE] init ROLE ...        make a publisher or a subscriber
       cucmsh [--config FILE] node add|list|remove ...
                                                   the nodes of the cluster
       cucmsh [--config FILE] init --sshd ...      what root runs for logins through SSH
       cucmsh [--config FILE] hook NAME [WORD...]  what services and other nodes run
       cucmsh --version | --help

The configuration is FILE, $CUCMSH_CONFIG or /etc/cucmsh/cucmsh.toml.
Exit status: 0 done, 1 refused or failed, 2 wrong use, 3 partly done; of doctor and
node list: 0 all is well, 1 warnings, 2 something fails.
Each of lab, verify, doctor, init, node and hook has a --help."""
HOOK_USAGE = """\
usage: cucmsh [--config FILE] hook tftp-start
                            before the TFTP service starts: compose the list and sign
                            the phones' files; 3 if an earlier list is served instead,
                            1 if none is
       cucmsh [--config FILE] hook update-replicas
                            after it, on a publisher: bring the replicas the list
       cucmsh [--config FILE] hook sign FILE...
                            sign phones' files; for the script that writes them
The others are for other nodes: service-status, clock, describe, join, stage, discard,
install-list, install-certificate, serve-node."""

NOWHERE = """\
cucmsh: the folder that you are in was removed, and a name counts from there
Go to another one (cd /), and run it again."""


def main() -> NoReturn:
    """Run the program, and leave with its exit status."""
    _leave(lambda: _run(sys.argv[1:]))


def login(configuration: str = "") -> NoReturn:
    """Serve one login through sshd, as account's shell or forced command.

    The program of `cucmsh init --sshd` calls it, under ``python -I``
    (docs/decisions/022). Nothing of the client's environment counts, ``$CUCMSH_CONFIG``
    included; code, home and configuration must be out of the account's reach.

    Args:
        configuration: the path of the node's; the default one if empty.
    """
    _leave(lambda: _login(configuration, sys.argv))


def _leave(run: Callable[[], int]) -> NoReturn:
    """Run, and end the process at once.

    Taking the interpreter down in order costs a tenth of a short command, and would
    wait for a thread whose node does not answer.
    """
    os._exit(_guarded(run))  # nothing is left to flush: Screen writes at once


def _guarded(run: Callable[[], int]) -> int:
    _close_other_ways_out()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core would hold passwords
    _hold_streams()
    _drop_working_directory()
    try:
        return run()
    except CucmshError as error:
        advice = f"\n{error.advice}" if error.advice else ""
        Screen(2).say(f"cucmsh: {error.message}{advice}")
        return error.exit_status
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if isinstance(error, FileNotFoundError) and _is_nowhere():
            Screen(2).say(NOWHERE)
            return CucmshError.exit_status
        if not is_import_failure(error):
            raise  # to the hook that says its kind
        broken = BrokenProgramError(error)
        Screen(2).say(f"cucmsh: {broken.message}. {broken.advice}")
        return broken.exit_status


def _login(configuration: str, words: list[str]) -> int:
    from cucmsh.cli.login.environment import clean
    from cucmsh.cli.login.request import requested

    environment = clean(os.environ)
    os.chdir("/")
    line = requested(words, environment)
    from cucmsh.cli.login.serve import serve

    return serve(configuration, os.path.abspath(words[0]), line)


def _forced(configuration: str, line: str) -> int:
    """An exec request, where `cucmsh` is sshd's forced command."""
    from cucmsh.cli.login.environment import clean

    program = os.path.abspath(sys.argv[0])
    path = os.path.abspath(configuration) if configuration else ""
    clean(os.environ)
    os.chdir("/")
    from cucmsh.cli.login.serve import serve_forced

    return serve_forced(path, program, line)


def _run(words: list[str]) -> int:
    named = ""
    if words and words[0].partition("=")[0] == "--config":
        _, equals, named = words[0].partition("=")
        named, words = (
            (named, words[1:]) if equals else ("".join(words[1:2]), words[2:])
        )
        if not named:
            raise UsageError("--config needs a FILE", USAGE)
    match words:
        case ["--version"]:
            from cucmsh.build import version_line

            return _show(version_line())
        case ["--help" | "-h" | "help"]:
            return _show(USAGE)
        case ["lab", *rest]:
            from cucmsh.lab.command import lab

            return lab(rest, _lab_shell, Screen(1).say)
        case ["verify", *rest]:
            return _verify(rest)
    return _node(named, words)


def _node(named: str, words: list[str]) -> int:
    if not words and "SSH_ORIGINAL_COMMAND" in os.environ:  # a forced command
        return _forced(named, os.environ["SSH_ORIGINAL_COMMAND"])
    from cucmsh import app

    configuration = app.find_configuration(named, os.environ)
    match words:
        case []:
            return app.run_shell(configuration)
        case ["-c", line, *options] if options in ([], ["--json"]):
            answer = app.run_json if options else app.run_command
            return answer(configuration, line, os.environ)
        case [("init" | "node") as what, *rest]:
            from cucmsh.cli.making import run_init, run_node

            run = run_init if what == "init" else run_node
            return run(configuration, rest)
        case ["doctor", *rest]:
            return _doctor(configuration, rest)
        case ["hook", *rest]:
            return _hook(named, configuration, rest)
    raise UsageError(f"these words are not understood: {' '.join(words)}", USAGE)


def _hook(named: str, configuration: str, words: list[str]) -> int:
    if not {"--help", "-h"}.isdisjoint(words[:2]):
        return _show(HOOK_USAGE)
    if words == ["serve-node"]:  # the forced command of another node's key
        from cucmsh.cli.login.serve_node import serve_node

        # A client's environment names no configuration.
        text, status = serve_node(named)
        return _show(text.removesuffix("\n"), status, unread=3)
    from cucmsh import app

    text, status = app.run_hook(configuration, words)
    unread = 1 if words[0] in app.LOOKS else 3  # what is done is done
    return _show(text.removesuffix("\n"), status, unread)


def _verify(words: list[str]) -> int:
    from cucmsh.cli.command_line import verify_parser

    parser = verify_parser()
    if parser.asks_for_help(words):
        return _show(parser.format_help().rstrip())
    asked = parser.parse_args(words)
    from cucmsh import app

    held, name = asked.against or "", asked.asked or ""
    lines, status = app.verify(asked.file, held, name)
    return _show("\n".join(lines), status)


def _doctor(configuration: str, words: list[str]) -> int:
    from cucmsh.cli.command_line import doctor_parser

    parser = doctor_parser()
    if parser.asks_for_help(words):
        return _show(parser.format_help().rstrip())
    asked = parser.parse_args(words)
    from cucmsh.cli.doctor import doctor, doctor_json

    if not asked.json:
        lines, status = doctor(configuration, asked.accounts)
        return _show("\n".join(lines), status)
    from cucmsh.shell.json_result import report

    return report(Screen(1), lambda to: doctor_json(configuration, asked.accounts, to))


def _lab_shell(configuration: str, greeting: str) -> int:
    from cucmsh import app

    return app.run_shell(configuration, greeting)


def _show(text: str, status: int = 0, unread: int = 1) -> int:
    """Print; give the status, or ``unread`` for a success that nobody could read."""
    screen = Screen(1)
    if text:
        screen.say(text)
    return status or (unread if screen.is_gone else 0)


def _close_other_ways_out() -> None:
    """Warnings, tracebacks of threads and libraries that print reach nobody.

    Their text may hold a secret or a stranger's escape bytes, and a program that
    drives the prompt would stumble over it.
    """
    sys.excepthook = _no_traceback
    sys.stdout = sys.stderr = None


def _no_traceback(kind: type[BaseException], *_: object) -> None:
    """Say that something unforeseen happened; its text may hold a secret."""
    Screen(2).say(f"cucmsh: internal error: {kind.__name__}")


def _hold_streams() -> None:
    """A closed stream's number would go to the next file or socket that is opened."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDONLY)  # reads nothing, and takes nothing


def _drop_working_directory() -> None:
    """A stranger's ``commands/`` beside the user never runs.

    See docs/architecture.md#packs.
    """
    ours = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    try:
        here = os.getcwd()
    except OSError:  # it was removed, or cannot be read: then nothing is found there
        here = ""
    sys.path[:] = [
        entry
        for entry in sys.path
        if entry == ours or (entry and _is_elsewhere(entry, here))
    ]
    if ours not in sys.path:
        sys.path.insert(0, ours)


def _is_elsewhere(entry: str, here: str) -> bool:
    path = os.path.normpath(os.path.join(here, entry))
    return os.path.isabs(path) and path != here


def _is_nowhere() -> bool:
    """Whether the folder in which we were started was removed."""
    try:
        return not os.getcwd()
    except OSError:
        return True


if __name__ == "__main__":
    main()
