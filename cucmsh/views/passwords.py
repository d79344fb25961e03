"""What follows a change of a password."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def security_password_lines(others: Sequence[str], is_publisher: bool) -> Iterator[str]:
    """After ``set password user security``.

    Args:
        others: the names of the other members.
        is_publisher: whether it was changed on the publisher.
    """
    if not is_publisher:
        return
    if others:
        yield (
            "These nodes have the old one until `set password user security` is typed "
            f"there, too: {', '.join(others)}"
        )
    yield (
        "ITLRecovery.p12 opens with the new one: save it again with `file get tftp "
        "ITLRecovery.p12`. Copies that were saved before open with the old one."
    )
