"""How sshd must treat an administrator's account, and how it does.

See docs/security.md T8. One table serves both: the drop-in of `cucmsh init --sshd` is
written from it, and `cucmsh doctor` compares it with what ``sshd -T`` says of the
account.
"""

from __future__ import annotations

import os
import pwd
import sys
from collections.abc import Iterable, Iterator, Mapping

from cucmsh.config.settings import Settings
from cucmsh.errors import CucmshError
from cucmsh.remote.runner import Runner
from cucmsh.services.deadlines import LOGIN_SECONDS
from cucmsh.services.nodes.health.finding import Finding, Level
from cucmsh.services.nodes.health.isolation import mend, uncompiled, weak_points
from cucmsh.services.nodes.health.sshd_matches import MOST, connections, read_matches

LOGIN_PROGRAM = "cucmsh-login"
SSHD = "/usr/sbin/sshd"
SHOWN = 8  # weak points; a whole tree of somebody's is one trouble
MOST_SESSIONS = 4  # in one connection
# AcceptEnv cannot be emptied, only replaced: no client sends a variable of this name.
NO_VARIABLE = "CUCMSH_TAKES_NONE"
FORCED = "ForceCommand"
# Each way by its name: DisableForwarding alone left agents and X11 open before OpenSSH
# 10.0 (CVE-2025-32728), and the manual promises no more for older ones.
REQUIRED: Mapping[str, str] = {
    "DisableForwarding": "yes",
    "AllowTcpForwarding": "no",
    "AllowStreamLocalForwarding": "no",
    "AllowAgentForwarding": "no",
    "X11Forwarding": "no",
    "PermitTunnel": "no",
    "GatewayPorts": "no",
    "PermitOpen": "none",
    "PermitListen": "none",
    "PermitUserRC": "no",
    "PermitTTY": "yes",
    "PermitEmptyPasswords": "no",
    "ChrootDirectory": "none",
}
FOR_ALL = {"PermitUserEnvironment": "no"}  # takes no Match
ADVICE = (
    "Put the drop-in of `cucmsh init --sshd` before other settings, and reload sshd."
)


def login_accounts() -> list[str]:
    """The accounts whose shell is our login program."""
    shells = ((entry.pw_name, entry.pw_shell) for entry in pwd.getpwall())
    return [name for name, path in shells if os.path.basename(path) == LOGIN_PROGRAM]


def examine_logins(runner: Runner, named: Iterable[str]) -> Iterator[Finding]:
    """What sshd would let the named accounts do, or all that have our shell."""
    accounts = [*dict.fromkeys([*named, *login_accounts()])]
    if not accounts:
        yield Finding(Level.OK, f"no account has {LOGIN_PROGRAM} as its shell")
        return
    if os.geteuid() != 0:
        yield Finding(
            Level.WARN,
            f"what sshd lets {', '.join(accounts)} do was not looked at: only root may",
            "Run `cucmsh doctor` as root.",
        )
        return
    for account in accounts:
        try:
            yield from _examine(runner, account)
        except CucmshError as problem:
            yield Finding(Level.FAIL, problem.message, problem.advice or ADVICE)


def examine_ground(settings: Settings) -> Iterator[Finding]:
    """Who could change what runs at a login, and what it would have to compile."""
    accounts = login_accounts()
    entries = [pwd.getpwnam(name) for name in accounts]
    programs = [entry.pw_shell for entry in entries]
    homes = [entry.pw_dir for entry in entries]
    # Outside of an environment the prefix is /usr, and other programs' files are there.
    folders = [sys.prefix] if sys.prefix != sys.base_prefix else []
    weak = [*weak_points(settings, programs, homes, folders)]
    level = Level.FAIL if accounts else Level.WARN
    for point in weak[:SHOWN]:
        yield Finding(level, f"{point.path} {point.why}", f"As root: {mend(point)}")
    if weak[SHOWN:]:
        what = f"and {len(weak) - SHOWN} more paths can be changed by others than root"
        advice = f"As root: chown -R root: {sys.prefix}"
        if not folders:
            advice = (
                "Install cucmsh in an environment of its own; see docs/production.md."
            )
        yield Finding(level, what, advice)
    if not weak:
        yield Finding(Level.OK, "nobody but root can change the program")
    raw = sorted({os.path.dirname(path) for path in uncompiled()})
    for folder in raw:
        what = f"every login compiles modules of {folder} anew"
        words = f"{sys.executable} -m compileall -q {folder}"
        yield Finding(Level.WARN, what, f"As root: {words}")


def judge(account: str, text: str) -> Iterator[Finding]:
    """What is wrong with the settings that ``sshd -T`` printed for an account."""
    told = _settings(text)
    wrong = False
    for name, wanted in {**REQUIRED, **FOR_ALL}.items():
        value = " ".join(told.get(name.lower(), ()))
        if value != wanted:
            wrong = True
            shown = value or "nothing"
            yield Finding(Level.FAIL, f"sshd has {name} {shown} for {account}", ADVICE)
    taken = [name for name in told.get("acceptenv", ()) if name != NO_VARIABLE]
    if taken:
        wrong = True
        what = f"sshd takes {' '.join(taken)} from clients of {account}"
        yield Finding(Level.FAIL, what, ADVICE)
    forced = " ".join(told.get("forcecommand", ()))
    if os.path.basename(forced) != LOGIN_PROGRAM:
        wrong = True
        what = f"sshd runs {forced or 'none'} for {account}, not {LOGIN_PROGRAM}"
        yield Finding(Level.FAIL, what, ADVICE)
    if not wrong:
        yield Finding(Level.OK, f"sshd gives {account} the admin: prompt and no more")


def _examine(runner: Runner, account: str) -> Iterator[Finding]:
    try:
        entry = pwd.getpwnam(account)
    except KeyError:
        yield Finding(Level.FAIL, f"there is no account {account}", ADVICE)
        return
    if os.path.basename(entry.pw_shell) != LOGIN_PROGRAM:
        what = f"the shell of {account} is {entry.pw_shell}"
        advice = f"sshd reads its start-up files first. Make it {LOGIN_PROGRAM}."
        yield Finding(Level.FAIL, what, advice)
    elif not _is_isolated(entry.pw_shell):
        what = f"{entry.pw_shell} does not begin with #!...python -I"
        yield Finding(Level.FAIL, what, "Write it as `cucmsh init --sshd` does.")
    yield from _judge_connections(runner, entry.pw_name)


def _judge_connections(runner: Runner, account: str) -> Iterator[Finding]:
    """Judge what sshd says of every connection that its ``Match`` lines tell apart."""
    matches = read_matches()
    specs, is_cut = connections(matches)
    told: dict[str, Finding] = {}
    good = None
    for spec in specs:
        where = ",".join(f"{name}={value}" for name, value in spec.items())
        words = [SSHD, "-T", "-C", f"user={account},{where}"]
        done = runner.run(words, LOGIN_SECONDS)
        if done.status != 0:
            what = f"sshd -T says: {done.stderr or done.status}"
            yield Finding(Level.FAIL, what, "Mend the configuration of sshd.")
            return
        for finding in judge(account, done.output):
            if finding.level is Level.OK:
                good = finding
            elif finding.what not in told:
                some = "" if spec is specs[0] else f" (for {where})"
                told[finding.what] = finding._replace(what=f"{finding.what}{some}")
    yield from told.values() if told or good is None else [good]
    missed = [*sorted(matches.unknown), *([matches.problem] if matches.problem else [])]
    if is_cut:
        missed.append(f"more than {MOST} combinations")
    if missed:
        what = f"not all Match lines of sshd were looked at: {'; '.join(missed)}"
        yield Finding(Level.WARN, what, "Look at them by hand: sshd -T -C ...")


def _settings(text: str) -> dict[str, list[str]]:
    told: dict[str, list[str]] = {}
    for line in text.splitlines():
        name, _, values = line.partition(" ")
        told.setdefault(name.lower(), []).extend(values.split())
    return told


def _is_isolated(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            first = file.readline(256).split()
    except OSError:
        return False
    return first[1:] == [b"-I"] and first[0].startswith(b"#!/")
