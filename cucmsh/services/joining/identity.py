"""This node's SSH key, and its line in another account's ``authorized_keys``.

Other lines of that file stay as they are, byte for byte. The line has ``restrict``: no
terminal, no forwarding, no agent; SFTP and commands are what the account is for.
"""

from __future__ import annotations

import os

from cucmsh.cluster.store import Store
from cucmsh.errors import MissingFileError, RefusedError
from cucmsh.services.site import Site

IDENTITY = "ssh/id_ed25519"
SSH_FOLDER = ".ssh"
AUTHORIZED_KEYS = f"{SSH_FOLDER}/authorized_keys"
PUBLIC_MODE = 0o644


def make_identity(site: Site) -> None:
    """Make the key, unless it is there. The private half comes last: it counts."""
    if os.path.basename(IDENTITY) in site.home.names(os.path.dirname(IDENTITY)):
        return
    private, public = site.doors.keys().make_ssh_identity()
    line = f"{public} cucmsh@{site.node.name}\n"
    site.home.write(f"{IDENTITY}.pub", line.encode(), PUBLIC_MODE)
    site.home.write(IDENTITY, private)


def identity_path(site: Site) -> str:
    return os.path.join(site.settings.home, IDENTITY)


def public_line(site: Site) -> str:
    """Our line for ``authorized_keys``.

    Raises:
        RefusedError: the file beside the private key holds no such line.
    """
    line = site.home.read(f"{IDENTITY}.pub").decode(errors="replace").strip()
    if len(line.split()) < 2 or not line.isprintable():
        raise RefusedError(
            f"{identity_path(site)}.pub holds no public key",
            f"Write it anew: ssh-keygen -y -f {identity_path(site)}",
        )
    return f"restrict {line}"


def authorize(home: Store, line: str) -> bool:
    """Let the key of ``line`` in; whether anything was written.

    Raises:
        StoreError: ``.ssh`` or the file is a link or another thing; nothing changed.
    """
    home.make_folder(SSH_FOLDER, 0o700)
    before = _read(home)
    if any(_holds(known, line) for known in before.splitlines()):
        return False
    if before and not before.endswith(b"\n"):
        before += b"\n"
    home.write(AUTHORIZED_KEYS, before + line.encode() + b"\n", 0o600)
    return True


def revoke(home: Store, line: str) -> bool:
    """Take every line with the key of ``line`` away; whether there was one."""
    before = _read(home)
    lines = before.splitlines(keepends=True)
    kept = [known for known in lines if not _holds(known, line)]
    if len(kept) == len(lines):
        return False
    home.write(AUTHORIZED_KEYS, b"".join(kept), 0o600)
    return True


def _read(home: Store) -> bytes:
    try:
        return home.read(AUTHORIZED_KEYS)
    except MissingFileError:
        return b""


def _holds(known: bytes, line: str) -> bool:
    """Whether a line of the file is about the same key, with whatever options."""
    key = line.split()[2].encode()  # restrict ssh-ed25519 AAAA...
    return key in known.split() and not known.lstrip().startswith(b"#")
