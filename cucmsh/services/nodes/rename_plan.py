"""A node under another name: its configuration then, and who takes its lists then.

Writes nothing. What is served afterwards is tried on a draft (``adoption.draft``), by
the code that makes it.
"""

from __future__ import annotations

from typing import NamedTuple

from cucmsh.config.model import Node
from cucmsh.config.settings import Settings, parse_settings
from cucmsh.errors import RefusedError
from cucmsh.names import check_domain, check_full_name, check_host_name
from cucmsh.pki.model import Unit
from cucmsh.services.adoption.draft import DraftSite
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.lists.acceptance import describe, who_refuses
from cucmsh.services.lists.compose import compose
from cucmsh.services.lists.tried import regenerate_on_draft
from cucmsh.services.nodes.configure import split_path
from cucmsh.services.records.history import History
from cucmsh.services.site import Site
from cucmsh.trustlist.model import TrustList

HOST_NAME = "hostname"
DOMAIN = "domain"
# The others before it: phones that do not know the new CallManager key ask TVS.
LAST = Unit.TVS


class FullName(NamedTuple):
    """A host name, and its domain, which may be empty."""

    name: str
    domain: str

    def __str__(self) -> str:
        return f"{self.name}.{self.domain}" if self.domain else self.name


class RenamePlan(NamedTuple):
    """A node that can be called so.

    Attributes:
        change: ``HOST_NAME`` or ``DOMAIN``.
        before: how it is called now.
        wanted: how it is to be called.
        settings: its configuration then; on no disk yet.
    """

    change: str
    before: FullName
    wanted: FullName
    settings: Settings

    @property
    def command(self) -> str:
        """How it is asked for."""
        value = self.wanted.name if self.change == HOST_NAME else self.wanted.domain
        return command_of(self.change, value)


def command_of(change: str, value: str) -> str:
    """``set network hostname NAME`` or ``set network domain NAME``."""
    return f"set network {change} {value}"


def full_name_of(site: Site) -> FullName:
    """How this node is called now."""
    return FullName(site.node.name, site.settings.cluster.domain_of(site.node))


def plan_rename(site: Site, change: str, value: str) -> RenamePlan:
    """The node with another host name or another domain.

    Args:
        site: this node.
        change: ``HOST_NAME`` or ``DOMAIN``.
        value: the new one.

    Raises:
        NamingError: no node can have it.
        RefusedError: it has it already, or another node has it.
        ConfigurationError: the configuration cannot be edited.
    """
    before = full_name_of(site)
    if change == HOST_NAME:
        check_host_name(value)
        wanted = before._replace(name=value)
        _require_free(site, value)
    else:
        check_domain(value)
        wanted = before._replace(domain=value)
    check_full_name(f"{wanted}")
    if f"{wanted}".lower() == f"{before}".lower():
        raise RefusedError(f"{before} is the name of this node already")
    path = site.settings.path
    store, file = split_path(path)
    text = renamed_text(site, store.read(file).decode(errors="replace"), path, wanted)
    return RenamePlan(change, before, wanted, parse_settings(text.encode(), path))


def renamed_text(site: Site, text: str, path: str, wanted: FullName) -> str:
    """The text of this node's configuration with the node called so."""
    from cucmsh.config.editing import with_names  # noqa: PLC0415 - tomlkit

    node, domain = site.node, site.settings.cluster.domain
    entry: dict[str, object] = {"name": wanted.name}
    if aliases := aliases_after(node, wanted.name):
        entry["aliases"] = list(aliases)
    if wanted.domain != domain:
        entry["domain"] = wanted.domain
    return with_names(text, path, node.name, entry)


def aliases_after(node: Node, name: str) -> tuple[str, ...]:
    """The names that the node had before, once it is called ``name``."""
    names = dict.fromkeys((*node.aliases, node.name))
    return tuple(each for each in names if each.lower() != name.lower())


def _require_free(site: Site, name: str) -> None:
    for node in site.settings.cluster.nodes:
        if node.name == site.node.name:
            continue
        if name.lower() in [each.lower() for each in (node.name, *node.aliases)]:
            is_present = name.lower() == node.name.lower()
            what = "another node" if is_present else f"an earlier name of {node.name}"
            raise RefusedError(
                f"{name} is {what} of this cluster",
                "Take another name."
                if is_present
                else f"Take another one, or take it out of the aliases of {node.name} "
                "in the configuration of each member.",
            )


def units_of(site: Site) -> tuple[Unit, ...]:
    """The units that are made anew, in order: all but ITLRecovery.

    Its name stays what it was when the key was made (docs/story.md case 7).
    """
    units = [unit for unit in Keystore(site).units if unit is not Unit.ITL_RECOVERY]
    return tuple(sorted(units, key=lambda unit: unit is LAST))


def renamed_draft(site: Site, plan: RenamePlan) -> DraftSite:
    """The node in memory as it is when all is done."""
    draft = DraftSite(site, plan.settings, asks=True)
    for unit in units_of(draft):
        regenerate_on_draft(draft, unit)
    return draft


def keeps_tvs(draft: Site, offered: TrustList, *, is_kept: bool = False) -> bool:
    """Whether TVS keeps its certificate: not all holders take what is served directly.

    With ``keep_trust`` off nobody is asked after: a rename loses trust then.

    Args:
        draft: the node as it is when all is done.
        offered: what it serves then.
        is_kept: it is what was served before, for nothing better could be composed.
    """
    if not draft.settings.keep_trust:
        return False
    return is_kept or bool(who_refuses(draft, offered))


def why_tvs_stays(site: Site) -> str:
    """Who would be lost if this node's TVS certificate went now; empty for nobody."""
    if not site.settings.keep_trust or not site.node.has_tftp:
        return ""
    draft = DraftSite(site)
    regenerate_on_draft(draft, Unit.TVS)
    history = History(draft)
    try:
        refused = who_refuses(draft, compose(draft, history)[0], history)
    except RefusedError as refusal:
        return refusal.message
    return describe(refused) if refused else ""
