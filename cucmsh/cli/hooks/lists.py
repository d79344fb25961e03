"""The hooks by which subscribers get the lists that the publisher signs for them."""

from __future__ import annotations

from cucmsh.cli.hooks import Call, Run
from cucmsh.cli.hooks.install import received
from cucmsh.services.lists.member_lists import bring_lists
from cucmsh.services.lists.take_list import take_list, wanted_list


def _wanted_list(call: Call) -> tuple[str, int]:
    return wanted_list(call.site), 0


def _give_list(call: Call) -> tuple[str, int]:
    return take_list(call.site, received(call)).value, 0


def _bring_lists(call: Call) -> tuple[str, int]:
    """A line for each subscriber that was given none: who asked looks for its own."""
    problems = bring_lists(call.site).problems
    return "\n".join(f"{name}: {why}" for name, why in problems.items()), 0


RUNS = {
    "wanted-list": Run(_wanted_list, wanted_list),
    "give-list": Run(_give_list, take_list),
    "bring-lists": Run(_bring_lists, bring_lists),
}
