"""The front door: reads the options, drops strangers from the path, calls the app.

The one module that prints outside of a session. No traceback passes it. An account's
login shell and forced command come in by `login`, everybody else by `main`.
"""

from __future__ import annotations

import gc
import os
import resource
import sys
from collections.abc import Callable

from cucmsh import __version__
from cucmsh.errors import CucmshError, UsageError

# What is imported stays: collecting garbage on the way to the prompt costs 6 % of it
# and finds none. The app turns it on again when the prompt is there.
gc.disable()

USAGE = """\
usage: cucmsh [--config FILE]                      the admin shell of a node
       cucmsh [--config FILE] -c 'show itl'        one command
       cucmsh lab [--subscribers N] [--dir DIR] [--serve]
                                                   a cluster on 127.0.0.1, and its shell
       cucmsh verify FILE [--against HELD]         check a list or a signed file
       cucmsh [--config FILE] doctor [ACCOUNT...]  what is not well with this node
       cucmsh [--config FILE] init ROLE ...        make a publisher or a subscriber
       cucmsh [--config FILE] node add|list|remove ...
                                                   the nodes of the cluster
       cucmsh [--config FILE] init --sshd ...      what root runs for logins through SSH
       cucmsh [--config FILE] hook NAME [WORD...]  what services and other nodes run
       cucmsh --version | --help

The configuration is FILE, $CUCMSH_CONFIG or /etc/cucmsh/cucmsh.toml.
Exit status: 0 done, 1 refused or failed, 2 wrong use, 3 partly done."""


def main() -> int:
    """Run the program; returns its exit status."""
    return _guarded(lambda: _run(sys.argv[1:]))


def login(configuration: str = "") -> int:
    """Serve one login through sshd, as account's shell or forced command.

    The program of `cucmsh init --sshd` calls it, under ``python -I`` (design decision
    22). Nothing of the client's environment counts, ``$CUCMSH_CONFIG`` included; code,
    home and configuration must be out of the account's reach.

    Args:
        configuration: the path of the node's; the default one if empty.
    """
    return _guarded(lambda: _login(configuration, sys.argv))


def _guarded(run: Callable[[], int]) -> int:
    sys.excepthook = _no_traceback
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core would hold passwords
    _drop_working_directory()
    try:
        return run()
    except CucmshError as error:
        print(f"cucmsh: {_printable(error.message)}", file=sys.stderr)
        if error.advice:
            print(_printable(error.advice), file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # nobody reads the rest
        return 1


def _login(configuration: str, words: list[str]) -> int:
    from cucmsh.login.environment import clean, hold_standard_descriptors
    from cucmsh.login.request import requested

    hold_standard_descriptors()
    environment = clean(os.environ)
    os.chdir("/")
    line = requested(words, environment)
    from cucmsh.login.serve import serve

    return serve(configuration, os.path.abspath(words[0]), line)


def _run(words: list[str]) -> int:
    named = ""
    if words[:1] == ["--config"]:
        if not words[1:2] or not words[1]:
            raise UsageError("--config needs a FILE", USAGE)
        named, words = words[1], words[2:]
    match words:
        case ["--version"]:
            print(f"cucmsh {__version__}")
            return 0
        case ["--help" | "-h" | "help"]:
            print(USAGE)
            return 0
        case ["lab", *rest]:
            from cucmsh.lab.front import lab

            return lab(rest, _lab_shell)
        case ["verify", *rest]:
            return _verify(rest)
    return _node(named, words)


def _node(named: str, words: list[str]) -> int:
    if not words and "SSH_ORIGINAL_COMMAND" in os.environ:  # a forced command
        return _login(named, sys.argv[:1])
    from cucmsh import app

    configuration = app.find_configuration(named, os.environ)
    match words:
        case []:
            return app.run_shell(configuration)
        case ["-c", line]:
            return app.run_command(configuration, line, os.environ)
        case [("init" | "node") as what, *rest]:
            run = app.run_init if what == "init" else app.run_node
            return run(configuration, rest)
        case ["doctor", *accounts]:
            from cucmsh.doctor import doctor

            lines, status = doctor(configuration, accounts)
            for line in lines:
                print(_printable(line))
            return status
        case ["hook", *rest]:
            return app.run_hook(configuration, rest, sys.stdout)
    raise UsageError(f"these words are not understood: {' '.join(words)}", USAGE)


def _verify(words: list[str]) -> int:
    match words:
        case [file] if not file.startswith("-"):
            held = ""
        case [file, "--against", held] | ["--against", held, file] if held:
            pass
        case _:
            raise UsageError(
                "verify takes FILE and, if you like, --against HELD", USAGE
            )
    from cucmsh import app

    lines, status = app.verify(file, held)
    for line in lines:
        print(_printable(line))
    return status


def _lab_shell(configuration: str, greeting: str) -> int:
    from cucmsh import app

    return app.run_shell(configuration, greeting)


def _no_traceback(kind: type[BaseException], *_: object) -> None:
    """Say that something unforeseen happened; its text may hold a secret."""
    print(f"cucmsh: internal error: {kind.__name__}", file=sys.stderr)


def _printable(text: str) -> str:
    return "".join(
        char if char.isprintable() or char == "\n" else ascii(char)[1:-1]
        for char in text
    )


def _drop_working_directory() -> None:
    """A stranger's ``commands/`` beside the user never runs (design section 4)."""
    ours = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    here = os.getcwd() if os.path.isdir(".") else ""
    sys.path[:] = [
        entry
        for entry in sys.path
        if entry == ours or (entry and os.path.abspath(entry) != here)
    ]
    if ours not in sys.path:
        sys.path.insert(0, ours)


if __name__ == "__main__":
    sys.exit(main())
