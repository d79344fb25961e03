"""The hooks of joining: this node's clock and description, coming in, going out."""

from __future__ import annotations

from cucmsh.cli.hooks import Call, Run
from cucmsh.cli.hooks.install import received
from cucmsh.errors import UsageError
from cucmsh.services.nodes.compare_passwords import answer_password
from cucmsh.services.nodes.identity import leave
from cucmsh.services.nodes.join import describe, join, read_clock
from cucmsh.services.nodes.tell_names import learn_names
from cucmsh.storage.local import LocalStore


def _clock(call: Call) -> tuple[str, int]:
    return f"{read_clock(call.site)}", 0


def _describe(call: Call) -> tuple[str, int]:
    return describe(call.site), 0


def _join(call: Call) -> tuple[str, int]:
    join(call.site, received(call))
    return "joined", 0


def _renamed(call: Call) -> tuple[str, int]:
    outcomes = learn_names(call.site, received(call))
    left = [f"{at.name} was not told: {at.reason}" for at in outcomes if not at.is_done]
    return "\n".join(["learned", *left]), 0


def _same_password(call: Call) -> tuple[str, int]:
    return answer_password(call.site, received(call)), 0


def _leave(call: Call) -> tuple[str, int]:
    if not call.account_home:  # only sshd tells whose home the key's line is in
        raise UsageError("leave is for the key of another node")
    if not call.given.key.startswith("AAAA"):
        raise UsageError("leave takes a public key (base64)")
    leave(call.site, LocalStore(call.account_home), call.given.key)
    return "left", 0


RUNS = {
    "clock": Run(_clock, read_clock),
    "describe": Run(_describe, describe),
    "join": Run(_join, join),
    "leave": Run(_leave, leave),
    "renamed": Run(_renamed, learn_names),
    "same-password": Run(_same_password, answer_password),
}
