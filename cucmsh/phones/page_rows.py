"""What stands on a phone's page, as labels and values, in its family's words.

Labels are those of pages that were seen: 88xx write ``Host name``, 78xx and 79xx
``Host Name``; who calls the call manager what differs, too (docs/formats.md#pages).
"""

from __future__ import annotations

from cucmsh.phones.claims import NOT_INSTALLED
from cucmsh.phones.facts import PhoneFacts
from cucmsh.phones.screen_lines import date_of, signature, time_of_day

Rows = list[tuple[str, str]]
SERVERS = 5


def device_rows(facts: PhoneFacts) -> Rows:
    """Device information."""
    rows = [
        ("MAC Address", facts.mac),
        ("Host Name", facts.name),
        ("Phone DN", facts.label),
        ("App Load ID", facts.load),
        ("Boot Load ID", ""),
        ("Version", facts.load),
        ("Hardware Revision", "1"),
        ("Serial Number", serial_number(facts)),
        ("Model Number", model_number(facts)),
        ("Message Waiting", "No"),
        ("Time", time_of_day(facts.now)),
        ("Time Zone", "Etc/UTC"),
        ("Date", date_of(facts.now)),
    ]
    return _worded(facts, rows)


def network_rows(facts: PhoneFacts) -> Rows:
    """Network setup, with the lists that it holds."""
    rows = [
        ("MAC Address", facts.mac),
        ("Host Name", facts.name),
        ("DHCP", "Yes"),
        ("IP Address", facts.address),
        ("Alternate TFTP", "No"),
        *_numbered("TFTP Server ", facts.tftp_servers, 2),
        *_numbered(_call_manager(facts), _with_state(facts.call_managers), SERVERS),
        *_settings(facts),
    ]
    if facts.family != "7940":  # it asks for no ITL and shows none
        rows += _list_rows(facts)
    return _worded(facts, rows)


def model_number(facts: PhoneFacts) -> str:
    """As on its label: ``CP-8845``, ``CP-7965G``."""
    has_g = facts.family in {"7940", "79xx"} and facts.model.isdecimal()
    return f"CP-{facts.model}{'G' if has_g else ''}"


def serial_number(facts: PhoneFacts) -> str:
    """Made up, always the same for one phone."""
    return f"LAB{facts.mac[-8:]}"


def title(facts: PhoneFacts) -> str:
    """The second line of the heading."""
    kind = "Cisco IP Phone" if _is_sentence_case(facts) else "Cisco Unified IP Phone"
    if facts.family == "7940":
        kind = "Cisco Systems, Inc. IP Phone"
    return f"{kind} {model_number(facts)} ( {facts.name} )"


def worded(facts: PhoneFacts, label: str) -> str:
    """A label or heading in the family's capitals."""
    if not _is_sentence_case(facts):
        return label
    first, *others = label.split(" ")
    return " ".join([first, *(w.lower() if w.istitle() else w for w in others)])


def _is_sentence_case(facts: PhoneFacts) -> bool:
    return facts.family in {"78xx/88xx", "99xx"} and not facts.model.startswith("78")


def _worded(facts: PhoneFacts, rows: Rows) -> Rows:
    return [(worded(facts, label), value) for label, value in rows]


def _list_rows(facts: PhoneFacts) -> Rows:
    rows = []
    for kind, held, server in (
        ("CTL", facts.ctl, facts.ctl_server),
        ("ITL", facts.itl, facts.itl_server),
    ):
        if held == NOT_INSTALLED:
            rows.append((f"{kind} File", worded(facts, "Not Installed")))
            continue
        rows += [(f"{kind} File", "Installed"), (f"{kind} Signature", signature(held))]
        if kind == "ITL":
            rows += [("TVS", host) for host in facts.tvs]
        if facts.capf:
            rows.append(("CAPF Server", facts.capf))
        rows.append(("TFTP Server", server))
    return rows


def _settings(facts: PhoneFacts) -> Rows:
    """What its running configuration allows; 0 is on in all three."""
    found = dict(facts.settings)
    return [
        (label, "Yes" if found[name] == "0" else "No")
        for name, label in (
            ("webAccess", "Web Access Enabled"),
            ("sshAccess", "SSH Access Enabled"),
            ("spanToPCPort", "Span to PC Port"),
        )
        if name in found
    ]


def _call_manager(facts: PhoneFacts) -> str:
    if facts.family == "7940":
        return "CallManager "
    if facts.family == "79xx":
        return "Unified CM "
    return "CUCM Server" if _is_sentence_case(facts) else "Unified CM"


def _with_state(hosts: tuple[str, ...]) -> tuple[str, ...]:
    states = ("  Active", "  Standby")
    return tuple(
        host + (states[at] if at < len(states) else "   ")
        for at, host in enumerate(hosts)
    )


def _numbered(label: str, values: tuple[str, ...], count: int) -> Rows:
    padded = [*values, *[""] * count][:count]
    return [(f"{label}{number}", value) for number, value in enumerate(padded, 1)]
