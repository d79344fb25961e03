"""Why a host lets us in and does not do what it is asked: causes, and what mends them.

A login that succeeds and leads nowhere looks the same for many reasons. What the host
says in place of an answer tells most of them apart. Pure.
"""

from __future__ import annotations

from typing import NamedTuple

from cucmsh.quoting import shown


class Cause(NamedTuple):
    """What is wrong, and what to do about it; one sentence each."""

    what: str
    advice: str


FEW_SESSIONS = Cause(
    "its sshd gives one connection too few sessions at the same time (MaxSessions)",
    "Set MaxSessions to 2 or more in its sshd_config (the default is 10), and reload "
    "sshd.",
)
NO_SUBSYSTEM = Cause(
    "its sshd has no SFTP subsystem",
    "Add `Subsystem sftp internal-sftp` to its sshd_config, and reload sshd.",
)
NO_SERVER = Cause(
    "its SFTP program ends at once, without a word",
    "Look whether the program after `Subsystem sftp` in its sshd_config is there; "
    "`internal-sftp` needs none.",
)
OTHER_ROOT = Cause(
    "its sshd shows the account another root (ChrootDirectory)",
    "Take ChrootDirectory away for this account in its sshd_config, and reload sshd.",
)
NO_EXEC = Cause(
    "its sshd runs no commands for this account",
    "Look for ForceCommand and ChrootDirectory in its sshd_config, and for options "
    "before our key in authorized_keys.",
)
FILES_ONLY = Cause(
    "its sshd lets this account move files only (ForceCommand internal-sftp)",
    "Take ForceCommand away for this account in its sshd_config, and reload sshd.",
)
NO_SHELL = Cause(
    "the account's shell lets nobody in (nologin)",
    "As root there: usermod --shell /bin/sh ACCOUNT",
)
FALSE_SHELL = Cause(
    "the account's shell ends at once, without a word (/bin/false?)", NO_SHELL.advice
)
# A start of what such a host says, and what it means.
KNOWN = (
    ("This service allows sftp connections only", FILES_ONLY),
    ("This account is currently not available", NO_SHELL),
)


def cause_of_words(said: str) -> Cause:
    """What made a host say this instead of the start of SFTP, or of an answer."""
    for beginning, cause in KNOWN:
        if beginning in said:
            return cause
    first = next((line for line in said.splitlines() if line.strip()), "").strip()
    return Cause(
        f"a login there prints {shown(first)} before anything else",
        "Make the start-up files of that account (.bashrc, .profile, /etc/bash.bashrc) "
        "silent where there is no terminal; if a ForceCommand of its sshd prints it, "
        "take that away.",
    )


def cause_of_answer(said: str, stderr: str, status: int) -> Cause:
    """What made a host answer another thing than the word that it was to repeat."""
    both = f"{said}\n{stderr}"
    for beginning, cause in KNOWN:
        if beginning in both:
            return cause
    if not both.strip():
        return FALSE_SHELL if status else NO_EXEC
    return Cause(
        f"its sshd runs something else than what it is asked for: it says "
        f"{shown(both.strip().splitlines()[0])}",
        NO_EXEC.advice,
    )
