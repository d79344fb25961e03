"""Lists by a phone's own name, which it gets before the node's ITL.

A phone asks for ``ITLSEP<MAC>.tlv`` first (docs/formats.md#phones); whoever serves
78xx and 88xx puts one there for each, mostly a link to the ITL, or has the TFTP service
rewrite the name (step 3 of docs/production.md). A copy that nobody renews goes on being
served after each start and reset, and its phone keeps an old list. Whether it is served
is asked once, over TFTP: a rule is for all of these names.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from stat import S_ISREG

from cucmsh.errors import CucmshError, StoreError, TrustListError
from cucmsh.layout import LIST_FILE
from cucmsh.phones.families import MAX_LOADED_LIST
from cucmsh.services.lists.served_lists import served_list, why_unserved
from cucmsh.services.nodes.health.finding import Finding, Level
from cucmsh.services.site import Site
from cucmsh.trustlist.decode import decode

_OF_ONE_PHONE = re.compile(r"ITL(SEP[0-9A-F]{12})\.tlv")
_ADVICE = (
    f"Make it a link (`ln -sf {LIST_FILE} NAME`), or remove it if its phone is a 79xx, "
    f"which then asks for {LIST_FILE}."
)


def examine_named_lists(site: Site) -> Iterator[Finding]:
    """What each phone gets that has a list by its own name here."""
    ours = served_list(site)
    if ours is None:  # told elsewhere
        return
    well, is_rewritten = 0, None
    for name, phone in _named(site.tftp.root):
        raw = _content(os.path.join(site.tftp.root, name))
        if raw != ours and is_rewritten is None:
            is_rewritten = _is_given(site, name, ours)
        if raw == ours or is_rewritten:
            well += 1
            continue
        what = f"{name} is {_described(raw)}, and {phone} gets it instead of the ITL"
        yield Finding(Level.FAIL, what, _ADVICE)
    if well:
        what = f"phones that get the ITL by their own names: {well}"
        yield Finding(Level.OK, what)


def _named(folder: str) -> Iterator[tuple[str, str]]:
    """Files and links, with the phones whose they are, in the order of their names."""
    try:
        names = sorted(os.listdir(folder))
    except OSError as problem:
        raise StoreError(f"{folder}: {problem.strerror}") from problem
    for name in names:
        if found := _OF_ONE_PHONE.fullmatch(name):
            yield name, found[1]


def _is_given(site: Site, name: str, raw: bytes) -> bool:
    """Whether TFTP gives these bytes by that name."""
    try:
        return not why_unserved(site, site.node.tftp, raw, name)
    except CucmshError:
        return False


def _content(path: str) -> bytes | None:
    """What a TFTP server gives, which follows links; None if it can give nothing."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        if not S_ISREG(os.fstat(descriptor).st_mode):
            return None
        return os.read(descriptor, MAX_LOADED_LIST + 1)
    except OSError:
        return None
    finally:
        os.close(descriptor)


def _described(raw: bytes | None) -> str:
    if raw is None:
        return "no file that can be read"
    if not raw:
        return "empty"
    try:
        signer = decode(raw).header.signer_name
    except TrustListError:
        return "no trust list"
    return f"another list (signer {signer.partition(';')[0]})"
