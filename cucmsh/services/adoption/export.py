"""What the next tool needs to go on where this node ends: keys, lists, signed files.

``cucmsh export DIR``, on a publisher or a subscriber. Nothing on this node is changed,
and its phones notice nothing: a folder is filled (``export_folder``), and a
``README.txt`` in it says which key the next tool must sign with (``export_plan``).

Keys leave for the cluster security password only. They go from memory into their file;
none passes through a file elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from cucmsh.errors import (
    StoreError,
)
from cucmsh.layout import (
    EXPORTED_KEYS,
    EXPORTED_README,
    EXPORTED_TFTP,
    PUBLIC_MODE,
    RECOVERY_NAME,
    SERVED_FOLDER_MODE,
    SERVED_MODE,
)
from cucmsh.secret import Secret
from cucmsh.services.adoption.export_folder import private_folder, require_free
from cucmsh.services.adoption.export_plan import ExportPlan, plan_export
from cucmsh.services.caller import Privilege
from cucmsh.services.certificates.cluster_passwords import ClusterPasswords
from cucmsh.services.lists.secret_files import secrets_of
from cucmsh.services.site import Site
from cucmsh.services.threads import side_by_side
from cucmsh.services.usecase import use_case
from cucmsh.storage.local import LocalStore

WORKERS = 16  # threads that write signed files: they mostly wait for the disk


class ExportDialog(Protocol):
    """Who wants the export, as far as it is asked and told, in this order.

    What a method raises ends it; nothing was written then.
    """

    def agree(self, plan: ExportPlan) -> None:
        """Show what would leave this node.

        Raises:
            CancelledError: keys would, and somebody did not type ``yes``.
        """

    def security_password(self, check: Callable[[Secret], None]) -> Secret:
        """Ask for the cluster security password; not called where no key leaves.

        Args:
            check: raises RefusedError for another one, which may be asked for again.
        """

    def readme(self, plan: ExportPlan) -> str:
        """The text of README.txt."""

    def writing(self) -> AbstractContextManager[object]:
        """The folder is filled in the body."""


@use_case("cucmsh export", changes=True, level=Privilege.ALL)
def export(
    site: Site, folder: str, dialog: ExportDialog, *, lists_only: bool = False
) -> ExportPlan:
    """Write what the next tool needs into a folder that is empty or new.

    Args:
        site: this node.
        folder: an absolute path.
        dialog: see ``ExportDialog``.
        lists_only: no private key is written, and no password asked for.

    Raises:
        RefusedError: see ``require_free``; or another password.
        StoreError: the folder cannot be filled; what was written is removed.
        StoreError: this node's home or TFTP directory cannot be looked at.
    """
    require_free(site, folder)
    with site.node_lock("an export"):  # no key is replaced meanwhile
        plan = plan_export(site, lists_only=lists_only)
    dialog.agree(plan)
    if not lists_only:
        check = ClusterPasswords(site).check_security_password
        check(dialog.security_password(check))
    with dialog.writing(), private_folder(folder) as store:
        return _fill(site, store, plan, dialog.readme)


def _fill(
    site: Site,
    store: LocalStore,
    plan: ExportPlan,
    readme: Callable[[ExportPlan], str],
) -> ExportPlan:
    """Write everything, keys late and README.txt last; gives what was written.

    Raises:
        StoreError: the folder cannot be filled.
    """
    keys, secrets = site.backends.keys(), secrets_of(site)
    inner = {name.rpartition("/")[0] for name in plan.files}
    for folder in sorted(inner):
        name = f"{EXPORTED_TFTP}/{folder}".rstrip("/")
        store.make_folder(name, SERVED_FOLDER_MODE)

    def copy(name: str) -> str:
        try:
            raw = site.tftp.read(name)
        except StoreError as problem:  # it was replaced by something else, or is large
            return problem.message
        if not (why := secrets.why_kept(raw)):
            store.write(f"{EXPORTED_TFTP}/{name}", raw, SERVED_MODE)
        return why

    copied = side_by_side(copy, plan.files, WORKERS, ends_whole=True)
    whys = dict(zip(plan.files, copied, strict=True))
    for listed in plan.certificates:
        store.write(listed.name, keys.to_pem(listed.certificate), PUBLIC_MODE)
    for each in plan.held:
        if each.kept:
            store.write(each.name, each.trust_list.raw, SERVED_MODE)
    if plan.recovery_file:
        store.write(f"{EXPORTED_KEYS}/{RECOVERY_NAME}", plan.recovery_file)
    for key in () if plan.lists_only else plan.keys:
        store.write(key.name, key.credential.to_pem())
    done = plan._replace(
        files=tuple(name for name, why in whys.items() if not why),
        left_out=(*plan.left_out, *((name, why) for name, why in whys.items() if why)),
    )
    store.write(EXPORTED_README, readme(done).encode(), PUBLIC_MODE)
    return done
