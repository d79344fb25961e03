"""The NOTIFY that makes a phone restart or reset (docs/formats.md#resets).

``restart`` reads its files again, ``reset`` boots; both fetch the trust lists. The
Call-ID is that of the phone's own REGISTER: phones answer 400 to another one.
"""

from __future__ import annotations

from enum import StrEnum

NO_STAMP = "{00000000-0000-0000-0000-000000000000}"
# A fourth one, of FeatureControl, makes an 8861 answer 400.
STAMPS = ("ConfigVersionStamp", "DialplanVersionStamp", "SoftkeyVersionStamp")
EVENT = "service-control"
CONTENT_TYPE = "text/plain"


class PhoneAction(StrEnum):
    """What a phone is told to do."""

    RESET = "reset"
    RESTART = "restart"


def body_lines(action: PhoneAction, call_id: str) -> tuple[str, ...]:
    """The lines of the body, without their ends (CR and LF).

    Args:
        action: what to do.
        call_id: of the REGISTER by which the phone is registered now.
    """
    return (
        f"action={action.value}",
        f"RegisterCallId={{{call_id}}}",
        *(f"{name}={NO_STAMP}" for name in STAMPS),
    )
