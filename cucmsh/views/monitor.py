"""A round of the Certificate Monitor as lines. Pure."""

from __future__ import annotations

from cucmsh.services.certificates.monitor import Round


def round_lines(done: Round) -> list[str]:
    """What it told now, and what it looked at."""
    lines = [f"{said.alarm.name}: {said.message}" for said in done.said]
    lines.append(f"Certificates looked at: {done.looked_at}")
    if done.unreadable:
        lines.append(f"Certificates that cannot be read: {done.unreadable}")
    if done.is_saved is not None:
        state = "backed up" if done.is_saved else "NOT backed up"
        lines.append(f"ITLRecovery.p12: {state}")
    lines.append(f"Alarms told now: {len(done.said)}")
    return lines
