"""What imports, the listener and polls gave: lines and documents; and their units."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cucmsh.layout import LISTEN_UNIT, LOGS_UNIT, POLL_TIMER, POLL_UNIT, UNIT_FOLDER
from cucmsh.phones.known import Recorded
from cucmsh.quoting import shown
from cucmsh.services.phones.imports import Imported, ImportedLog
from cucmsh.services.phones.listen import Heard
from cucmsh.services.phones.poll import Poll, Polled
from cucmsh.views.documents import Document
from cucmsh.views.units import unit_word

RUNS = """\
[Unit]
Description=cucmsh: {what}
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
User={account}
ExecStart={words}
Restart=on-failure
RestartSec=10
NoNewPrivileges=yes
ProtectSystem=strict
ReadWritePaths={folders}
PrivateTmp=yes

[Install]
WantedBy=multi-user.target
"""
ONCE = """\
[Unit]
Description=cucmsh: {what}

[Service]
Type=oneshot
User={account}
ExecStart={words}
NoNewPrivileges=yes
ProtectSystem=strict
ReadWritePaths={folders}
PrivateTmp=yes
"""
TIMER = """\
[Unit]
Description=cucmsh: when phones are asked for their pages

[Timer]
OnCalendar=hourly
RandomizedDelaySec=10min

[Install]
WantedBy=timers.target
"""


def import_lines(imported: Imported) -> Iterator[str]:
    """What was read and recorded, a line each."""
    for log in imported.logs:
        yield f"{log.name}: {', '.join(_counted(log))}."
    yield from recorded_lines(imported.recorded)


def _counted(log: ImportedLog) -> Iterator[str]:
    counts = log.counts
    yield f"{counts.lines:,} lines"
    yield f"{counts.about_lists:,} about phones' lists"
    for number, what in (
        (counts.repeated, "repeated within a minute"),
        (counts.refused, "got no file"),
        (counts.unread, f"not understood{_sample(counts.first_unread)}"),
        (counts.timeless, "without a time and so of no use"),
        (log.overlong, "too long"),
    ):
        if number:
            yield f"{number:,} {what}"


def _sample(first: tuple[int, bytes] | None) -> str:
    if first is None:
        return ""
    number, raw = first
    return f" (the first is line {number:,}: {shown(raw.decode(errors='replace'))})"


def recorded_lines(recorded: Recorded) -> Iterator[str]:
    """What became of claims."""
    line = f"Recorded: {recorded.claims:,} claims about {recorded.phones:,} phones"
    if recorded.nameless:
        line += f"; {recorded.nameless:,} of addresses that no phone is known by"
    if recorded.claims:
        line += f"; {recorded.new:,} say something new"
    yield f"{line}."
    if recorded.ahead:
        yield f"{recorded.ahead:,} were dated in the future, and count as of now."


def heard_lines(heard: Heard) -> Iterator[str]:
    """What a listener took."""
    yield f"Heard: {heard.packets:,} packets, {heard.claims:,} about phones."
    for number, what in (
        (heard.unread, "could not be read"),
        (heard.strangers, "came from others than the SIP servers that are named"),
        (heard.too_many, "were too many for a sender"),
        (heard.lost, "claims are lost: the inventory could not be written"),
    ):
        if number:
            yield f"{number:,} {what}."
    yield from recorded_lines(heard.recorded)


def polled_line(phone: Polled) -> str:
    """What one phone gave; empty where nothing is worth a line."""
    if not phone.problem:
        return ""
    whose = f"{phone.target.phone}: " if phone.target.phone else ""
    return f"{whose}{phone.problem}."


def poll_lines(poll: Poll) -> Iterator[str]:
    """A round of a poll."""
    yield (
        f"Asked: {poll.asked:,}; {poll.read:,} show their list, {poll.silent:,} show "
        f"none, {poll.failed:,} could not be read."
    )
    if poll.refused:
        yield (
            f"{poll.refused:,} were left out: no phone can be at the address that was "
            "said of them (loopback, link-local, multicast)."
        )
    if poll.left:
        yield f"{poll.left:,} were not asked: the time is over; the next round may."


def import_document(imported: Imported) -> Document:
    """``phones import --json``."""
    return {
        "logs": [
            {
                "name": log.name,
                "lines": log.counts.lines,
                "about_lists": log.counts.about_lists,
                "repeated": log.counts.repeated,
                "refused": log.counts.refused,
                "unread": log.counts.unread,
                "timeless": log.counts.timeless,
                "overlong": log.overlong,
            }
            for log in imported.logs
        ],
        "recorded": _recorded(imported.recorded),
        "problem": imported.problem and imported.problem.message,
    }


def heard_document(heard: Heard) -> Document:
    """``phones listen --json``."""
    return {
        "packets": heard.packets,
        "claims": heard.claims,
        "unread": heard.unread,
        "strangers": heard.strangers,
        "too_many": heard.too_many,
        "lost": heard.lost,
        "recorded": _recorded(heard.recorded),
    }


def poll_document(poll: Poll, phones: Sequence[Polled]) -> Document:
    """``phones poll --json``."""
    return {
        "asked": poll.asked,
        "read": poll.read,
        "silent": poll.silent,
        "failed": poll.failed,
        "refused": poll.refused,
        "left": poll.left,
        "recorded": _recorded(poll.recorded),
        "phones": [
            {
                "name": (phone.claim.phone if phone.claim else phone.target.phone)
                or None,
                "page": phone.target.where.shown,
                "itl": (phone.claim and phone.claim.itl) or None,
                "ctl": (phone.claim and phone.claim.ctl) or None,
                "problem": phone.problem or None,
            }
            for phone in phones
        ],
    }


def _recorded(recorded: Recorded) -> Document:
    return dict(recorded._asdict())


def phone_units(
    program: Sequence[str], account: str, folders: Sequence[str], logs: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Path and text of each unit, for root to write.

    Args:
        program: the argv that runs cucmsh with the node's configuration.
        account: the node's.
        folders: where they write: its home, and what the configuration names outside.
        logs: what is followed.
    """

    def text(form: str, what: str, *verb: str) -> str:
        words = " ".join(map(unit_word, [*program, "phones", *verb]))
        written = " ".join(map(unit_word, folders))
        return form.format(what=what, account=account, folders=written, words=words)

    imports = text(RUNS, "what logs say of phones", "import", "--follow", *logs)
    yield f"{UNIT_FOLDER}/{LOGS_UNIT}", imports
    listens = text(RUNS, "alarms of phones, by HEP", "listen")
    yield f"{UNIT_FOLDER}/{LISTEN_UNIT}", listens
    yield f"{UNIT_FOLDER}/{POLL_UNIT}", text(ONCE, "pages of phones", "poll")
    yield f"{UNIT_FOLDER}/{POLL_TIMER}", TIMER
