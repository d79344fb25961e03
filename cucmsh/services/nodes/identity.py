"""This node's SSH key, and its line in another account's ``authorized_keys``.

Other lines of that file stay as they are, byte for byte. The line has ``restrict``: no
terminal, no forwarding, no agent. On a replica SFTP and commands are what the account
is for. On a member the account owns keys and secrets, so the line has a forced command
too (``cli.login.serve_node``).
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence

from cucmsh.errors import MissingFileError, RefusedError
from cucmsh.layout import (
    AUTHORIZED_KEYS,
    IDENTITY,
    IDENTITY_FOLDER,
    IDENTITY_PUBLIC,
    PUBLIC_MODE,
    SSH_FOLDER,
)
from cucmsh.services.site import Site
from cucmsh.services.usecase import use_case
from cucmsh.storage.store import Store

SERVE_NODE = ("hook", "serve-node")
# Of an administrator's own options, those that only take away stay on a mended line.
KEPT_OPTIONS = (b"from=", b"expiry-time=")
OPTION = re.compile(rb'(?:[^,"]|"(?:\\"|[^"])*"?)+')


def make_identity(site: Site) -> None:
    """Make the key (Ed25519) unless it is there.

    The private half is written last: where it is, the key is whole.
    """
    if os.path.basename(IDENTITY) in site.home.names(IDENTITY_FOLDER):
        return
    private, public = site.backends.keys().make_ssh_identity()
    line = f"{public} cucmsh@{site.node.name}\n"
    site.home.write(IDENTITY_PUBLIC, line.encode(), PUBLIC_MODE)
    site.home.write(IDENTITY, private)


def identity_path(site: Site) -> str:
    """The absolute path of this node's private SSH key."""
    return os.path.join(site.settings.home, IDENTITY)


def public_line(site: Site, program: Sequence[str] = ()) -> str:
    """Our line for ``authorized_keys``.

    Args:
        site: this node.
        program: on a member, the argv that runs cucmsh there: it becomes the forced
            command. Empty for a replica.

    Raises:
        RefusedError: the file beside the private key holds no such line.
    """
    line = site.home.read(IDENTITY_PUBLIC).decode(errors="replace").strip()
    if len(line.split()) < 2 or not line.isprintable():
        raise RefusedError(
            f"{identity_path(site)}.pub holds no public key",
            f"Write it anew: ssh-keygen -y -f {identity_path(site)}",
        )
    if not program:
        return f"restrict {line}"
    command = shlex.join([*program, *SERVE_NODE]).replace('"', '\\"')
    return f'restrict,command="{command}" {line}'


def authorize(home: Store, line: str) -> bool:
    """Add ``line`` to ``authorized_keys``, unless its key is there already.

    Returns:
        Whether anything was written.

    Raises:
        StoreError: ``.ssh`` or the file is a link or another thing; nothing changed.
    """
    home.make_folder(SSH_FOLDER, 0o700)
    before = read_keys(home)
    if any(_holds(known, line) for known in before.splitlines()):
        return False
    if before and not before.endswith(b"\n"):
        before += b"\n"
    home.write(AUTHORIZED_KEYS, before + line.encode() + b"\n", 0o600)
    return True


def confine(home: Store, line: str) -> bool:
    """Let the key of ``line`` in with its options, and with no others.

    Every line with that key is replaced; what an administrator restricted it to
    (``from=``, ``expiry-time=``) stays.

    Returns:
        Whether anything was written.

    Raises:
        StoreError: as ``authorize``.
    """
    home.make_folder(SSH_FOLDER, 0o700)
    before = read_keys(home)
    lines = before.splitlines(keepends=True)
    is_there = any(_holds(known, line) for known in lines)
    after = b"".join(
        _restricted(known, line) if _holds(known, line) else known for known in lines
    )
    if not is_there:
        after += b"\n" if after and not after.endswith(b"\n") else b""
        after += line.encode() + b"\n"
    if after == before:
        return False
    home.write(AUTHORIZED_KEYS, after, 0o600)
    return True


def _restricted(known: bytes, line: str) -> bytes:
    before_key = re.split(rb"\S+\s+" + re.escape(_key(line)), known, maxsplit=1)[0]
    options = OPTION.findall(before_key.strip())
    kept = [each for each in options if each.lower().startswith(KEPT_OPTIONS)]
    end = known[len(known.rstrip(b"\r\n")) :]
    return b",".join([*kept, line.encode()]) + end


@use_case("hook leave", changes=True)
def leave(_: Site, home: Store, key: str) -> bool:
    """``revoke_served``, asked for by the node whose key it is.

    Args:
        home: of the account that sshd let in.
        key: the public key, base64.

    Returns:
        Whether a line was removed.
    """
    return revoke_served(home, key)


def revoke_served(home: Store, key: str) -> bool:
    """Remove the lines that have this key (base64) and our forced command.

    A line without that command was written by somebody else, and stays.

    Returns:
        Whether a line was removed.
    """
    before = read_keys(home)
    served = shlex.join(SERVE_NODE).encode()
    lines = before.splitlines(keepends=True)
    kept = [known for known in lines if served not in known or not _holds(known, key)]
    if len(kept) == len(lines):
        return False
    home.write(AUTHORIZED_KEYS, b"".join(kept), 0o600)
    return True


def revoke(home: Store, line: str) -> bool:
    """Remove every line with the key of ``line``; whether there was one."""
    before = read_keys(home)
    lines = before.splitlines(keepends=True)
    kept = [known for known in lines if not _holds(known, line)]
    if len(kept) == len(lines):
        return False
    home.write(AUTHORIZED_KEYS, b"".join(kept), 0o600)
    return True


def read_keys(home: Store) -> bytes:
    """The bytes of ``authorized_keys``; empty if there is none."""
    try:
        return home.read(AUTHORIZED_KEYS)
    except MissingFileError:
        return b""


def other_publishers(home: Store, line: str) -> list[int]:
    """The line numbers, from 1, of keys of other nodes than the one of ``line``.

    They are recognized by the comment of a key of ours: ``cucmsh@`` and a name.
    """
    return [
        number
        for number, known in enumerate(read_keys(home).splitlines(), 1)
        if not _holds(known, line)
        and not known.lstrip().startswith(b"#")
        and known.split()[-1:]
        and known.split()[-1].startswith(b"cucmsh@")
    ]


def _holds(known: bytes, line: str) -> bool:
    """Whether a line of the file is about the same key, with whatever options."""
    return _key(line) in known.split() and not known.lstrip().startswith(b"#")


def _key(line: str) -> bytes:
    """The key: base64 that begins with the length of its type, three zero bytes."""
    return next(word.encode() for word in line.split() if word.startswith("AAAA"))
