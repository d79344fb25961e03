"""The files that no phone and no replica may ever get, told by what they are.

A key under another name is a key all the same: a hard link, a symbolic link or a copy
of one in the TFTP directory. So a file is judged by its inode, by its bytes and by
what they look like; its name is only the cheapest of the signs.
"""

from __future__ import annotations

import os
from contextlib import suppress
from hashlib import sha256
from typing import NamedTuple

from cucmsh.errors import (
    MissingFileError,
    RefusedError,
    StoreError,
    TrustListError,
)
from cucmsh.layout import (
    ACCOUNTS,
    ADOPTED_FOLDER,
    CCM_VERIFIER,
    IDENTITY,
    NEXT_FOLDER,
    PAIR,
    REQUEST,
    SECURITY_PASSWORD,
)
from cucmsh.pki.key_content import holds_private_key
from cucmsh.services.site import Site
from cucmsh.storage.store import MAX_FILE_SIZE
from cucmsh.storage.tree import tree_below
from cucmsh.trustlist.signed import decode_signed, is_no_list

STORE_ENDS = (".p12", ".pfx")
KEY_ENDS = (*STORE_ENDS, ".key")
SECRETS = (SECURITY_PASSWORD, CCM_VERIFIER, IDENTITY, ACCOUNTS)
OF_FILE_SYSTEM = "lost+found"  # root's, where the home is a file system of its own
KEY = "it is a private key or secret of this node under another name"
HOLDS_KEY = "it holds a private key"


class Secrets(NamedTuple):
    """What this node keeps to itself.

    Attributes:
        inodes: device and inode of each file.
        digests: SHA-256 of the bytes of each.
    """

    inodes: frozenset[tuple[int, int]]
    digests: frozenset[bytes]

    def why_kept(self, raw: bytes) -> str:
        """Why a file with these bytes goes to nobody; empty if it may.

        The payload of a signed file counts as much as the file itself. Of a file that
        is larger than a store reads, the first ``MAX_FILE_SIZE`` bytes are enough: no
        secret of this node is as large.
        """
        payload = raw
        if is_no_list(raw):
            with suppress(TrustListError):
                payload = decode_signed(raw).payload
        for each in (raw, payload):
            if not self.digests.isdisjoint(
                (sha256(each).digest(), sha256(each.strip()).digest())
            ):
                return KEY
        # A plain file is a part of its signed one, but for where its bytes begin.
        if holds_private_key(raw) or (
            payload is not raw and holds_private_key(payload)
        ):
            return HOLDS_KEY
        return ""

    def is_one(self, path: str) -> bool:
        """Whether the path leads to one of the files, by links of either kind."""
        try:
            found = os.stat(path)
        except OSError:  # it is gone, or a link that leads nowhere
            return False
        return (found.st_dev, found.st_ino) in self.inodes


def secrets_of(site: Site) -> Secrets:
    """The secret files in this node's home, and the keys of its ways to others.

    A key outside the home is looked at and not opened: the configuration names it.

    Raises:
        StoreError: the home cannot be looked at.
    """
    home = [os.path.join(site.settings.home, name) for name in secret_names(site)]
    ways = [node.ssh.identity for node in site.settings.cluster.nodes if node.ssh]
    inodes = set()
    for path in (*home, *ways):
        with suppress(OSError):  # one that is not there is doctor's business
            found = os.stat(path)
            inodes.add((found.st_dev, found.st_ino))
    digests = set()
    for name in secret_names(site):
        # Refused: root's doctor opens no key; then the inode is what tells.
        with suppress(MissingFileError, RefusedError):
            raw = site.home.read(name)
            if raw.strip():
                digests |= {sha256(raw).digest(), sha256(raw.strip()).digest()}
    return Secrets(frozenset(inodes), frozenset(digests))


def secret_names(site: Site) -> list[str]:
    """The names of the secret files in the home.

    Raises:
        StoreError: the home, or a folder in it, cannot be looked at; a key in there
            would not be known again in the TFTP directory.
    """
    tree = tree_below(site.settings.home)
    closed = [folder for folder in tree.closed if folder != OF_FILE_SYSTEM]
    if closed:
        path = os.path.join(site.settings.home, closed[0])
        raise StoreError(
            f"{path} cannot be read, and there may be keys in it",
            "Check who owns the folder and its mode.",
        )
    return [name for name in tree.files if is_secret(name)]


def is_secret(name: str) -> bool:
    """Whether a file of the home is one of the secrets, by the name that we gave it."""
    folder, _, base = name.rpartition("/")
    is_key = base.startswith((PAIR, REQUEST)) or ".p12" in base
    # Those of an earlier node lie in the same folder, below its own.
    is_adopted = folder == ADOPTED_FOLDER or folder.endswith(f"/{ADOPTED_FOLDER}")
    is_next = folder == NEXT_FOLDER
    return is_key or is_adopted or is_next or name in SECRETS


def is_key_name(name: str) -> bool:
    """Whether a file is a key by its name; a ``.pem`` may be a certificate.

    Ours have a number behind the ending when they are earlier ones.
    """
    base = name.rpartition("/")[2].lower()
    return base.endswith(KEY_ENDS) or any(f"{end}." in base for end in STORE_ENDS)


def why_kept(site: Site, secrets: Secrets, name: str) -> str:
    """Why a file below the TFTP directory goes to nobody; empty if it may."""
    if secrets.is_one(os.path.join(site.tftp.root, name)):
        return KEY
    try:
        with site.tftp.opened(name) as file:
            head = b""
            for piece in file.pieces():
                head += piece
                if len(head) >= MAX_FILE_SIZE:
                    break
    except StoreError:  # nobody gets it as it is
        return ""
    return secrets.why_kept(head)
