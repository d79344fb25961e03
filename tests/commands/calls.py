"""Runs a line of the built-in pack against a site, with written-down answers."""

from __future__ import annotations

from collections.abc import Iterable

from cucmsh.services.site import Site
from cucmsh.shell.grammar import Grammar
from cucmsh.shell.packs import load_pack
from cucmsh.shell.scripted import Answer, ScriptedDialog, ScriptedSession
from tests.services.made_cluster import CCM, SUBSCRIBER

CCM_QUESTION = "Enter CCM Administrator password :"
GRAMMAR = Grammar(load_pack("commands"))
TO_CCM: tuple[str, Answer] = (CCM_QUESTION, CCM)


class Called:
    """What a command said, and the status it returned."""

    def __init__(self, dialog: ScriptedDialog, status: int) -> None:
        self.text = dialog.text
        self.lines = dialog.lines
        self.questions = dialog.questions
        self.status = status


def dialog_with(
    answers: Iterable[tuple[str, Answer]] = (), *, helpful: bool = True
) -> ScriptedDialog:
    session = ScriptedSession(GRAMMAR)
    return ScriptedDialog(answers, helpful=helpful, session=session)


def call(
    site: Site,
    line: str,
    answers: Iterable[tuple[str, Answer]] = (),
    *,
    helpful: bool = True,
) -> Called:
    """Parse and run the line; every answer must have been asked for."""
    with dialog_with(answers, helpful=helpful) as dialog:
        status = run(dialog, site, line)
    return Called(dialog, status)


def with_renamed_subscriber(site: Site, name: str) -> Site:
    """The site after its subscriber got another name."""
    cluster = site.settings.cluster
    nodes = tuple(
        node._replace(name=name, aliases=(SUBSCRIBER,))
        if node.name == SUBSCRIBER
        else node
        for node in cluster.nodes
    )
    renamed = cluster._replace(nodes=nodes)
    return site.with_settings(site.settings._replace(cluster=renamed))


def run(dialog: ScriptedDialog, site: Site, line: str) -> int:
    parsed = GRAMMAR.parse(line)
    return parsed.command.function(dialog, site, *parsed.arguments) or 0
