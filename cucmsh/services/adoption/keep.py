"""What an adoption writes into a node: records, keys, CAPF, lists that phones hold.

The same functions write on the node and on the draft of it that a plan tries out.
Everything may be written twice: an interrupted adoption is run again. Nothing here
touches the TFTP directory.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from cucmsh.config.model import FurtherRecord
from cucmsh.config.settings import Settings, parse_settings
from cucmsh.errors import MissingFileError
from cucmsh.layout import pair_file
from cucmsh.pki.model import Unit
from cucmsh.services.adoption.material import GivenRecord, Material
from cucmsh.services.adoption.sources import FoundList
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.nodes.configure import edit
from cucmsh.services.records.history import History
from cucmsh.services.site import Site

if TYPE_CHECKING:
    from cucmsh.pki.credential import Credential


def with_records(
    site: Site, text: str, path: str, entering: Iterable[GivenRecord]
) -> str:
    """The text of a configuration, with these certificates as further records.

    Raises:
        ConfigurationError: the text cannot be edited.
    """
    from cucmsh.config import editing  # noqa: PLC0415 - tomlkit

    to_pem = site.backends.keys().to_pem
    records = [
        FurtherRecord(given.role, to_pem(given.certificate).decode("ascii"))
        for given in entering
    ]
    return editing.with_records(text, path, records) if records else text


def settings_with(site: Site, text: str, entering: Iterable[GivenRecord]) -> Settings:
    """The settings with these further records; writes nothing.

    Raises:
        ConfigurationError: they cannot stand there; names the dotted key.
    """
    path = site.settings.path
    return parse_settings(with_records(site, text, path, entering).encode(), path)


def configure(site: Site, entering: tuple[GivenRecord, ...]) -> Settings:
    """Put the further records into the configuration on the disk.

    Raises:
        ConfigurationError, StoreError: see ``nodes.configure.edit``.
    """
    if not entering:
        return site.settings
    return edit(site, lambda text, path: with_records(site, text, path, entering))


def keep(
    site: Site, material: Material, capf: Credential | None, noted: Iterable[FoundList]
) -> None:
    """Keep keys, CAPF and the lists that phones hold; in this order, under the lock.

    A start that composes in between finds every key that a list in its mind needs.

    Raises:
        StoreError: it cannot be written; run it again.
    """
    keystore = Keystore(site)
    with site.node_lock("cucmsh adopt"):
        for key in material.keys:
            keystore.adopt(key.credential)
        if capf is not None and not _is_present(site, capf):
            keystore.install(Unit.CAPF, capf)
        history = History(site)
        for found in noted:
            history.note_held(found.raw)


def _is_present(site: Site, capf: Credential) -> bool:
    try:
        return site.home.read(pair_file(Unit.CAPF)) == capf.to_pem()
    except MissingFileError:
        return False
