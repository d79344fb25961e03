"""What `utils itl trust release` shows before it asks.

Apart from ``report``, for `show itl` uses that and needs no rules of acceptance.
"""

from __future__ import annotations

from collections.abc import Iterator

from cucmsh.services.lists.acceptance import refusal_lines
from cucmsh.services.lists.give_up_phones import GiveUpPlan


def give_up_lines(plan: GiveUpPlan) -> Iterator[str]:
    """The plan, line by line, as far as anything is known of who would refuse."""
    if plan.remark:
        yield f"The ITL of this node: {plan.remark}"
    if plan.given_up:
        yield (
            "Phones that hold one of these ITLs, and fetched none since, would refuse "
            "the next one:"
        )
        for line in refusal_lines(plan.given_up):
            yield f"  {line}"
        if not plan.phones:
            yield (
                "How many phones these are is not known. Compare the checksums with "
                "what phones show."
            )
        yield from plan.phones
    for what in plan.damaged:
        yield f"Not known any more, and to be removed: {what}."
    yield f"The next start of Cisco Tftp would sign with {plan.key}."
