"""Where the program starts: ``main`` for people and scripts, ``login`` for sshd.

Takes the working directory out of ``sys.path``, and turns every error into a message
and an exit status: no traceback reaches anybody, and nothing is printed but through
``Screen``, which makes control characters visible (docs/security.md T10).
"""

from __future__ import annotations

import gc
import os
import resource
import sys
from typing import TYPE_CHECKING

from cucmsh.errors import BrokenProgramError, CucmshError, is_import_failure
from cucmsh.shell.screen import Screen

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

# What is imported stays: collecting garbage on the way to the prompt costs 6 % of it
# and finds none. ``cli.session`` turns it on again when the prompt is there.
gc.disable()

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


def _run(words: list[str]) -> int:
    from cucmsh.cli.program import run

    return run(words)


def _login(configuration: str, words: list[str]) -> int:
    from cucmsh.cli.login.serve import serve_login

    return serve_login(configuration, words)


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
