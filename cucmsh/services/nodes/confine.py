"""Our key on a member: what it opens there, and the line that keeps it to the hooks.

A line without the forced command (``cli.login.serve_node``) gives a shell, which reads
the keys and secrets of that node. Whether it does is asked of the node itself: only its
sshd knows what comes of its files and settings.
"""

from __future__ import annotations

import os

from cucmsh.config.model import Node
from cucmsh.errors import CucmshError, ServiceError
from cucmsh.layout import AUTHORIZED_KEYS
from cucmsh.services.backends import Link
from cucmsh.services.deadlines import WAY_SECONDS
from cucmsh.services.nodes.check_way import require_answers
from cucmsh.services.nodes.health.finding import Finding, Level
from cucmsh.services.nodes.identity import (
    confine,
    public_line,
    read_keys,
)
from cucmsh.services.nodes.join import Description, read_description
from cucmsh.services.site import Site


def ask_description(link: Link, node: Node) -> Description:
    """What a subscriber says of itself.

    Raises:
        ServiceError: cucmsh does not run there, or is another version.
    """
    done = link.run((*node.program, "hook", "describe"), WAY_SECONDS)
    if done.status == 0 and not done.output.startswith("{"):
        require_answers(link, node)
    if done.status != 0:
        raise ServiceError(
            f"cucmsh does not run on {node.name}: "
            f"{done.stderr or done.output or f'exit status {done.status}'}",
            "Run `cucmsh init subscriber` there first; name the words that run cucmsh "
            "there with --program. If our key's line there has other words, give a "
            "login too (--identity or --password-fd), and it is written anew.",
        )
    return read_description(done.output, node)


def opens_a_shell(link: Link) -> bool:
    """Whether the key that opened the link runs any command there."""
    token = os.urandom(8).hex()
    try:
        return token in link.run(("echo", token), WAY_SECONDS).output
    except ServiceError:  # sshd runs nothing for it
        return False


def confine_on(site: Site, node: Node, link: Link) -> Finding:
    """Give our key's line on a member the forced command, unless it has it.

    The new line is tried before the old way is given up; where it does not work, the
    file is put back.

    Args:
        site: this node.
        node: the member.
        link: the way onto it, by our key.

    Raises:
        ServiceError: with the forced command, cucmsh does not answer there.
        CucmshError: the file cannot be written.
    """
    kept_to_hooks = Finding(Level.OK, f"our key runs hooks on {node.name}, and no more")
    if not opens_a_shell(link):
        return kept_to_hooks
    line = public_line(site, node.program)
    home = site.backends.home_on(link)
    before = read_keys(home)
    confine(home, line)
    try:
        with site.link_to(node) as again:
            ask_description(again, node)
            is_open = opens_a_shell(again)
    except CucmshError as problem:
        home.write(AUTHORIZED_KEYS, before, 0o600)
        raise ServiceError(
            f"our key's line on {node.name} was left as it was: with its forced "
            f"command, {problem.message}",
            problem.advice,
        ) from problem
    if not is_open:
        return kept_to_hooks
    return Finding(
        Level.FAIL,
        f"our key still opens a shell on {node.name}: it stands in another file than "
        f"~/{AUTHORIZED_KEYS}",
        f"Replace the line with that key there (AuthorizedKeysFile) by: {line}",
    )
