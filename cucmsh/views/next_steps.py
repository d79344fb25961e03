"""What is left to do by hand after ``cucmsh init``: text for root's files. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from cucmsh.cluster.settings import Settings
from cucmsh.views.sshd import permission

RUNUSER = ("/usr/sbin/runuser", "-u")
VERBS = ("start", "stop", "restart")


def next_steps(settings: Settings, program: Sequence[str], account: str) -> list[str]:
    """Numbered steps, each with the lines to copy.

    Args:
        settings: of the new node.
        program: the argv that runs cucmsh with this configuration.
        account: who runs it.
    """
    node = settings.node
    steps = []
    if node.service_commands and account != "root":
        steps += _sudoers(node.service_commands.restart, account)
    hook = shlex.join([*program, "hook", "tftp-start"])
    if node.has_tftp and node.is_publisher:
        steps.append([f"Make the first list, as {account}:", f"    {hook}"])
    elif not node.is_publisher:
        steps.append(
            [
                f"On the publisher {settings.cluster.publisher.name}:",
                f"    cucmsh node add {node.name} --role subscriber --host HOST",
            ]
        )
    if node.service_commands:
        steps.append(_drop_in(node.service_commands.restart, hook, account))
    if node.is_publisher:
        steps.append(
            ["Add the other TFTP servers:", "    cucmsh node add NAME --host HOST"]
        )
    lines = [f"Next, on {node.name}:"]
    for number, (first, *rest) in enumerate(steps, 1):
        lines += [f"{number}. {first}", *(f"   {line}" for line in rest)]
    return lines


def subscriber_words(settings: Settings) -> str:
    """The ``init`` of a subscriber of this cluster, but for its name."""
    words = ["--publisher", settings.node.name]
    if settings.cluster.domain:
        words += ["--domain", settings.cluster.domain]
    if settings.cluster.subject:
        words += ["--subject", settings.cluster.subject]
    return f"cucmsh init subscriber --name NAME {shlex.join(words)}"


def _sudoers(restart: tuple[str, ...], account: str) -> list[list[str]]:
    if restart[:2] != ("sudo", "-n") or not _unit(restart):
        return []
    program, _, unit = restart[2:]
    line = permission(account, [(program, verb, unit) for verb in VERBS])
    return [["As root, in /etc/sudoers.d/cucmsh:", f"    {line.rstrip()}"]]


def _drop_in(restart: tuple[str, ...], hook: str, account: str) -> list[str]:
    as_account = "" if account == "root" else f"{shlex.join([*RUNUSER, account])} -- "
    unit = _unit(restart)
    if not unit:
        return ["Before every start of the TFTP service, run:", f"    {hook}"]
    return [
        f"As root, in /etc/systemd/system/{unit}.service.d/cucmsh.conf:",
        "    [Service]",
        f"    ExecStartPre={as_account}{hook}",
        f"then: systemctl daemon-reload && systemctl restart {unit}",
    ]


def _unit(restart: tuple[str, ...]) -> str:
    """UNIT of ``[sudo -n] systemctl restart UNIT``; empty for other words."""
    words = restart[2:] if restart[:2] == ("sudo", "-n") else restart
    is_known = len(words) == 3 and words[0].rsplit("/", 1)[-1] == "systemctl"
    return words[2] if is_known else ""
