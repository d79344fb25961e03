"""``cucmsh adopt``: takes over phones that hold lists of another tool.

The keys that those lists believe go into the keystore, the lists into the history, and
what else they name into the configuration; the next start of Cisco Tftp composes with
all that. Nothing in the TFTP directory changes here, and nothing is restarted: so
nothing is served that was not served before.

The first file that is written is a note that an adoption was begun; it is removed last.
An adoption that was killed in between is finished by running it again with the same
options, and the next login says that it is open. The lists that lie in the TFTP
directory, the configuration and an own CAPF key that is replaced are copied to
``HOME/earlier/adoption-N`` first.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, suppress
from typing import NamedTuple, Protocol

from cucmsh.errors import CucmshError, MissingFileError
from cucmsh.layout import (
    ADOPTION,
    CTL_FILE,
    EARLIER,
    LIST_FILE,
    SECURITY_PASSWORD,
    pair_file,
)
from cucmsh.pki.model import Unit
from cucmsh.secret import Secret
from cucmsh.services.adoption.decide import Answers
from cucmsh.services.adoption.draft import DraftSite
from cucmsh.services.adoption.keep import configure, keep
from cucmsh.services.adoption.material import (
    Material,
    PasswordDialog,
    Request,
    gather,
)
from cucmsh.services.adoption.plan import (
    AdoptionPlan,
    capf_key,
    plan_adoption,
    require_able,
)
from cucmsh.services.caller import Privilege
from cucmsh.services.lists.member_hooks import deliver_certificates
from cucmsh.services.lists.member_lists import lists_follow
from cucmsh.services.nodes.configure import split_path
from cucmsh.services.nodes.init import InitPlan
from cucmsh.services.nodes.make import make_node, public_certificates
from cucmsh.services.outcome import NodeOutcome, State
from cucmsh.services.records import as_one
from cucmsh.services.records.open_work import ADOPT
from cucmsh.services.records.state import forget, recall, remember
from cucmsh.services.site import Site
from cucmsh.services.sweep import sweep
from cucmsh.services.usecase import use_case
from cucmsh.storage.local import LocalStore


class AdoptDialog(PasswordDialog, Answers, Protocol):
    """Who adopts: is told and asked, in this order; passwords and answers first.

    What a method raises ends it; until ``changing`` nothing was changed.
    """

    def agree(self, plan: AdoptionPlan) -> None:
        """Show the plan and ask whether it shall be carried out.

        Raises:
            CancelledError: it shall not.
        """

    def changing(self) -> AbstractContextManager[object]:
        """The body must not be interrupted."""


class Adopted(NamedTuple):
    """What was done.

    Attributes:
        plan: what was planned.
        folder: where the earlier files are kept, relative to the home.
        outcomes: of the members that a CAPF certificate was brought to.
    """

    plan: AdoptionPlan
    folder: str
    outcomes: tuple[NodeOutcome, ...] = ()


@use_case(f"{ADOPT} --dry-run", level=Privilege.ALL)
def preview(site: Site, request: Request, dialog: AdoptDialog) -> AdoptionPlan:
    """What ``adopt`` would do; changes nothing and asks no other node.

    Args:
        site: this node.
        request: what was handed over.
        dialog: asked for passwords and answers; agrees to nothing.

    Raises:
        CucmshError: as for ``adopt``.
    """
    require_able(site)
    material = _gather(site, request, dialog)
    return plan_adoption(site, material, dialog, _configuration(site))


@use_case("cucmsh init --dry-run", level=Privilege.ALL)
def preview_new(
    site: Site,
    node: InitPlan,
    passwords: tuple[Secret, Secret | None],
    material: Material,
    dialog: AdoptDialog,
) -> AdoptionPlan:
    """What adopting would do on a node that is not made yet; makes nothing.

    Args:
        site: the node as it will be.
        node: what ``plan_init`` planned.
        passwords: the cluster's and the CCM Administrator's.
        material: what ``gather`` made of what was handed over.
        dialog: as for ``preview``.

    Raises:
        CucmshError: as for ``adopt``.
    """
    draft = DraftSite(site)
    make_node(draft, *passwords)
    return plan_adoption(draft, material, dialog, node.text)


@use_case(ADOPT, changes=True, level=Privilege.ALL)
def adopt(
    site: Site,
    request: Request,
    dialog: AdoptDialog,
    material: Material | None = None,
) -> Adopted:
    """Adopt what was handed over, once a person agreed to the plan.

    Args:
        site: this node.
        request: what was handed over.
        dialog: see ``AdoptDialog``.
        material: what ``gather`` made of the request already.

    Raises:
        RefusedError: ``keep_trust`` is off; nobody agrees; nothing was changed.
        BusyError: another change of the cluster is under way.
        CucmshError: see ``gather`` and ``plan_adoption``; nothing was changed.
        StoreError: a full disk, for instance; run it again.
    """
    require_able(site)
    material = material or _gather(site, request, dialog)
    with site.cluster_lock(ADOPT):
        plan = plan_adoption(site, material, dialog, _configuration(site))
        dialog.agree(plan)
        with dialog.changing():
            folder = _begin(site)
            settings = configure(site, plan.decided.entering)
            site = site.with_settings(settings)
            keep(site, material, capf_key(plan, material), plan.noted)
            outcomes = _deliver(site) if plan.capf else ()
            forget(site.home, ADOPTION)
    return Adopted(plan, folder, outcomes)


def _gather(site: Site, request: Request, dialog: AdoptDialog) -> Material:
    # Its own password opens the key files of this cluster, and of one that was made
    # with the same.
    raw = as_one.read(site.home, SECURITY_PASSWORD)
    likely = Secret(raw.decode("utf-8", "surrogateescape"))
    return gather(site.backends, request, dialog, likely)


def _configuration(site: Site) -> str:
    store, name = split_path(site.settings.path)
    return store.read(name).decode("utf-8", "replace")


def _begin(site: Site) -> str:
    """Note the beginning and copy what may be needed to go back; gives the folder.

    An adoption that goes on keeps its folder: what was copied first is the original.
    """
    sweep(site)
    folder = str(recall(site.home, ADOPTION).get("folder", ""))
    if not folder.startswith(f"{EARLIER}/adoption-"):
        taken = site.home.folders(EARLIER)
        numbers = [name.removeprefix("adoption-") for name in taken]
        last = max((int(at) for at in numbers if at.isdecimal()), default=0)
        folder = f"{EARLIER}/adoption-{last + 1}"
        at = site.clock.now().isoformat(timespec="seconds")
        remember(site.home, ADOPTION, {"folder": folder, "at": at})
    store, name = split_path(site.settings.path)
    store.sweep()
    capf = pair_file(Unit.CAPF)
    for source, copied, target in (
        (site.tftp, LIST_FILE, LIST_FILE),
        (site.tftp, CTL_FILE, CTL_FILE),
        (store, name, name),
        (site.home, capf, capf),
    ):
        _copy_once(site, source, copied, f"{folder}/{target}")
    return folder


def _copy_once(site: Site, source: LocalStore, name: str, target: str) -> None:
    inside, _, last = target.rpartition("/")
    site.home.sweep(inside)
    if last in site.home.names(inside):
        return
    with suppress(MissingFileError):
        site.home.write(target, source.read(name))


def _deliver(site: Site) -> tuple[NodeOutcome, ...]:
    """Bring a CAPF certificate to the members whose lists name it."""
    others = [node for node in site.settings.cluster.members if node != site.node]
    if not others:
        return ()
    try:
        brought = tuple(deliver_certificates(site, public_certificates(site)))
    except CucmshError as problem:  # it is in place here all the same
        why = problem.message
        return tuple(NodeOutcome(at.name, State.PENDING, why) for at in others)
    lists_follow(site)
    return brought
