"""What is left to do by hand after ``cucmsh init``: text for root's files. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence

from cucmsh.config.model import TFTP, TVS, ServiceCommands
from cucmsh.config.settings import Settings
from cucmsh.config.web import WebSettings
from cucmsh.layout import MONITOR_TIMER, TVS_UNIT, UNIT_FOLDER, WEB_UNIT
from cucmsh.names import RECOVERY_PREFIX, read_subject
from cucmsh.services.nodes.own_services import unit_of
from cucmsh.views.sshd import permission
from cucmsh.views.units import (
    TftpUnit,
    monitor_cron,
    monitor_units,
    tvs_unit,
    unit_files,
    web_unit,
)

NAME = "cucmsh"
VERBS = ("start", "stop", "restart")


_MEANING = {
    "OU": "unit",
    "O": "organization",
    "L": "city",
    "ST": "state",
    "C": "country",
}


def name_lines(settings: Settings) -> list[str]:
    """How the names of a node that is to be made were understood, a part a line."""
    full_name = settings.cluster.full_name(settings.node)
    lines = [
        "The certificates of this node say:",
        f"  CN  {full_name} ({RECOVERY_PREFIX}{full_name} in the recovery certificate)",
    ]
    subject = read_subject(settings.cluster.subject)
    lines += [
        f"  {kind:2}  {value} ({_MEANING[kind]})" for kind, value in subject.items()
    ]
    if not subject:
        lines.append("  and nothing else: there is no --subject")
    return lines


def next_steps(settings: Settings, program: Sequence[str], account: str) -> list[str]:
    """Numbered steps, each with the lines to copy.

    Args:
        settings: of the new node.
        program: the argv that runs cucmsh with this configuration.
        account: who runs it.
    """
    node = settings.node
    steps = []
    if account != "root":
        steps += _sudoers((node.commands_of(TFTP), node.commands_of(TVS)), account)
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
        steps.append(_around_the_service(settings, program, account))
    if node.has_tvs:
        steps.append(_tvs(node.tvs.port, program, account))
    if settings.own_web is not None:
        steps.append(_web(settings.own_web, program, account))
    steps.append(_monitor(program, account))
    if node.is_publisher:
        add = shlex.join([*_typed(program), "node", "add", "NAME", "--host", "HOST"])
        steps.append(["Add the other TFTP servers:", f"    {add}"])
    lines = [f"Next, on {node.name}:"]
    for number, (first, *rest) in enumerate(steps, 1):
        lines.append(f"{number}. {first}")
        # What is to be pasted whole stands at the margin: a shell looks there for END.
        lines += [f"   {line}" if line.startswith(" ") else line for line in rest]
    return lines


def _typed(program: Sequence[str]) -> Sequence[str]:
    """How a person runs it: by its name, with the configuration that it was given."""
    rest = program[program.index(NAME) + 1 :] if NAME in program else ()
    return (NAME, *rest)


def subscriber_words(settings: Settings) -> str:
    """The ``init`` of a subscriber of this cluster, but for its name."""
    words = ["--publisher", settings.node.name]
    if settings.cluster.domain:
        words += ["--domain", settings.cluster.domain]
    if settings.cluster.subject:
        words += ["--subject", settings.cluster.subject]
    return f"cucmsh init subscriber --name NAME {shlex.join(words)}"


def _sudoers(
    services: Iterable[ServiceCommands | None], account: str
) -> list[list[str]]:
    may: list[tuple[str, str, str]] = []
    for commands in services:
        restart = commands.restart if commands else ()
        if restart[:2] == ("sudo", "-n") and unit_of(restart):
            program, _, unit = restart[2:]
            may += ((program, verb, unit) for verb in VERBS)
    if not may:
        return []
    line = permission(account, may)
    return [["As root, in /etc/sudoers.d/cucmsh:", f"    {line.rstrip()}"]]


def _tvs(port: int, program: Sequence[str], account: str) -> list[str]:
    path, text = tvs_unit(program, account)
    return [
        f"As root, run TVS; phones ask it on TCP port {port}:",
        f"cat > {path} <<'END'",
        *text.splitlines(),
        "END",
        f"systemctl daemon-reload && systemctl enable --now {TVS_UNIT}",
    ]


def _web(web: WebSettings, program: Sequence[str], account: str) -> list[str]:
    path, text = web_unit(program, account)
    return [
        f"As root, run the page; it listens on {web.listen}, TCP port {web.port}:",
        f"cat > {path} <<'END'",
        *text.splitlines(),
        "END",
        f"systemctl daemon-reload && systemctl enable --now {WEB_UNIT}",
    ]


def _monitor(program: Sequence[str], account: str) -> list[str]:
    lines = ["As root, have certificates watched, every hour but one:"]
    for path, text in monitor_units(program, account):
        lines += [f"cat > {path} <<'END'", *text.splitlines(), "END"]
    lines.append(f"systemctl daemon-reload && systemctl enable --now {MONITOR_TIMER}")
    lines += ["or, without systemd, in /etc/cron.d/cucmsh:"]
    return [*lines, f"    {monitor_cron(program, account)}"]


def _around_the_service(
    settings: Settings, program: Sequence[str], account: str
) -> list[str]:
    node = settings.node
    restart = node.service_commands.restart if node.service_commands else ()
    unit = unit_of(restart)
    if not unit:
        hook = shlex.join([*program, "hook", "tftp-start"])
        when = f"Before every start of the TFTP service, as {account}"
        lines = [f"{when}, and whatever becomes of it:", f"    {hook}"]
        if node.is_publisher:
            hook = shlex.join([*program, "hook", "update-replicas"])
            lines += ["after it:", f"    {hook}"]
        return lines
    about = TftpUnit(unit, program, account, settings.home, node.is_publisher)
    lines = ["As root, compose before every start of the TFTP service:"]
    lines.append(f"mkdir -p {UNIT_FOLDER}/{unit}.service.d")
    for path, text in unit_files(about):
        lines += [f"cat > {path} <<'END'", *text.splitlines(), "END"]
    lines.append(f"systemctl daemon-reload && systemctl restart {unit}")
    return lines
