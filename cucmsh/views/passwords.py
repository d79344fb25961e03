"""What follows a change of a password."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cucmsh.views.documents import Document


def security_password_lines(
    others: Mapping[str, str], is_publisher: bool
) -> Iterator[str]:
    """After ``set password user security``.

    Args:
        others: the members that were not seen to have the same, and why.
        is_publisher: whether it was changed on the publisher.
    """
    shown = ", ".join(f"{name} ({why})" for name, why in others.items())
    if others and is_publisher:
        yield (
            "These nodes have to follow; type `set password user security` there, too. "
            f"Each login names them until they were seen to have the same: {shown}"
        )
    elif others:
        yield (
            "The publisher was not seen to have the same, which each login says until "
            f"it is: {shown}"
        )
    if not is_publisher:
        return
    yield (
        "ITLRecovery.p12 opens with the new one: save it again with `file get tftp "
        "ITLRecovery.p12`. Copies that were saved before open with the old one."
    )


def security_password_document(node: str, others: Mapping[str, str]) -> Document:
    """``set password user security``."""
    reasons = sorted(others.items())
    return {
        "node": node,
        "others": [name for name, _ in reasons],
        "nodes": [{"name": name, "reason": why} for name, why in reasons],
    }
