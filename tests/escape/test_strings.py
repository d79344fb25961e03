"""A random tenth of the attack strings through each of the six ways in.

The whole: ``python -m tests.escape.sweep``.
"""

from __future__ import annotations

import pytest

from tests.escape.attacks import ATTACKS
from tests.escape.modes import ON_THE_SPOT, THROUGH_SSH, Server
from tests.escape.node import Target
from tests.escape.rig import attack_by, chosen

pytestmark = [pytest.mark.terminal, pytest.mark.loopback]


def test_there_are_as_many_attacks_as_promised_each_with_a_name_of_its_own() -> None:
    names = {attack.name for attack in ATTACKS}
    assert len(ATTACKS) >= 300
    assert len(names) == len({attack.line for attack in ATTACKS}) == len(ATTACKS)


@pytest.mark.parametrize("way", ON_THE_SPOT)
def test_no_string_gets_out_on_the_spot(way: str, target: Target, seed: int) -> None:
    tally = attack_by(way, chosen(seed), target, None)
    assert not tally.failures, f"seed {seed}: {tally.failures}"


@pytest.mark.parametrize("way", THROUGH_SSH)
def test_no_string_gets_out_through_ssh(
    way: str, target: Target, server: Server, seed: int
) -> None:
    tally = attack_by(way, chosen(seed), target, server)
    assert not tally.failures, f"seed {seed}: {tally.failures}"
    assert "/usr/local/bin/cucmsh-login" in server.executed()
