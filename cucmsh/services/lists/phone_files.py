"""The files of the TFTP directory that phones ask for with ``.sgn`` behind the name.

Looks, and writes nothing. Which files: those that ``[signing] patterns`` names, in
subfolders too; never lists (``*.tlv``), signed files themselves, or anything that holds
a key, by its name, its inode or its content (``secret_files``). Hidden files are left
out, links are named and not followed: what a link leads to may be anybody's.

A file is *current* if a phone that holds the list served now takes what lies beside
it: the same payload, the name that is asked for, a signer with the role TFTP or
CCM+TFTP in that list, the configured digest.
"""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from cucmsh.errors import CucmshError, MissingFileError, StoreError, TrustListError
from cucmsh.services.lists.asked_names import asked_name, without_folder
from cucmsh.services.lists.compose import digest_of
from cucmsh.services.lists.secret_files import KEY, Secrets, is_key_name, secrets_of
from cucmsh.services.site import Site
from cucmsh.storage.tree import Tree, tree_below
from cucmsh.trustlist.model import TrustList
from cucmsh.trustlist.signed import MAX_SIGNED_SIZE, SUFFIX, decode_signed
from cucmsh.trustlist.signed_trust import judge_signed

NEVER_SIGNED = (SUFFIX, ".tlv", ".pem")  # and keys, by their names
# A header takes some 500 bytes; the rest is for the longest names and keys there are.
MAX_PLAIN_SIZE = MAX_SIGNED_SIZE - (64 << 10)
ENCRYPTED = ".enc.sgn"
WHY_NOT_RENEWED = (
    "it is encrypted for one phone and cannot be renewed here; it stays as it is, and "
    "that phone takes it as long as its list names the signer of the file"
)
LINK = "it is a link, and nothing is signed through one"
WILDCARDS = frozenset("*?[")
NO_SECRETS = Secrets(frozenset(), frozenset())


class Choice(NamedTuple):
    """Files to look at.

    Attributes:
        names: relative to the TFTP directory, sorted.
        refused: what was asked for and cannot be signed, and why.
        orphans: signed files without their plain one; phones still get them.
        is_all: these are all that phones ask for.
        misplaced: of the names, those in a folder that phones do not ask for: a
            device's configuration is asked for without one.
        secrets: what is never signed.
        encrypted: signed files that are encrypted for one phone's own key
            (docs/formats.md#signed-files), which this program does not make.
    """

    names: tuple[str, ...]
    refused: tuple[tuple[str, str], ...]
    orphans: tuple[str, ...] = ()
    is_all: bool = False
    misplaced: tuple[str, ...] = ()
    secrets: Secrets = NO_SECRETS
    encrypted: tuple[str, ...] = ()


class PhoneFile(NamedTuple):
    """One file as a phone would find it.

    Attributes:
        name: relative to the TFTP directory.
        problem: why a phone refuses what lies beside it; empty if it is current.
        fault: why the plain file itself cannot be signed; empty if it can.
    """

    name: str
    problem: str = ""
    fault: str = ""

    @property
    def is_current(self) -> bool:
        return not self.problem and not self.fault


def choose(site: Site, specs: Iterable[str] = ()) -> Choice:
    """The files that ``specs`` name; without any, all that the configuration does.

    A spec with wildcards chooses among the configured files, a plain name means that
    file whatever it is called, or the one that phones ask for by that name.
    """
    tree = tree_below(site.tftp.root)
    matches = pattern_matcher(site.settings.signed_patterns)
    files = [name for name in tree.files if matches(name)]
    links = [name for name in tree.links if matches(name)]
    specs = list(specs)
    if not specs:
        refused = [(name, LINK) for name in links]
        refused += [(f"{name}/", "the folder cannot be read") for name in tree.closed]
        orphans = _orphans(tree.files, matches)
        choice = Choice(
            tuple(files),
            tuple(refused),
            orphans,
            is_all=True,
            encrypted=tuple(n for n in tree.files if n.lower().endswith(ENCRYPTED)),
        )
        return _sifted(site, choice)
    plain = [spec for spec in specs if WILDCARDS.isdisjoint(spec)]
    by_asked = {asked(site, name): name for name in files}
    there = set(tree.files)
    given = [spec if spec in there else by_asked.get(spec, spec) for spec in plain]
    names, refused = _sorted_out(tree, given)
    for spec in specs:
        if spec not in plain:
            chosen = pattern_matcher((spec,))
            found = [name for name in files if chosen(name)]
            names += found
            refused += [(name, LINK) for name in links if chosen(name)]
            if not found:
                refused.append((spec, "no file that phones ask for matches"))
    return _sifted(site, Choice(tuple(sorted(set(names))), tuple(refused)))


def named(site: Site, files: Iterable[str]) -> Choice:
    """Just these files: paths below the TFTP directory, or relative to it."""
    root = site.tftp.root
    names, refused = [], []
    for file in files:
        path = os.path.normpath(os.path.join(root, file))
        for folder in (os.path.normpath(root), os.path.realpath(root)):
            if path.startswith(f"{folder}/"):
                names.append(path.removeprefix(f"{folder}/"))
                break
        else:
            refused.append((file, f"it is not below {root}"))
    found, missing = _sorted_out(tree_below(root), names)
    return _sifted(site, Choice(tuple(sorted(set(found))), (*refused, *missing)))


def _sifted(site: Site, choice: Choice) -> Choice:
    """The choice without the keys that lie there under other names."""
    secrets = secrets_of(site)
    root = site.tftp.root
    keys = {name for name in choice.names if secrets.is_one(os.path.join(root, name))}
    names = tuple(name for name in choice.names if name not in keys)
    return choice._replace(
        names=names,
        refused=(*choice.refused, *((name, KEY) for name in sorted(keys))),
        misplaced=tuple(name for name in names if without_folder(asked(site, name))),
        secrets=secrets,
    )


def asked(site: Site, name: str) -> str:
    """The name by which phones ask for a file of this node's TFTP directory."""
    return asked_name(name, site.settings.served_as)


def look_at(site: Site, held: TrustList, name: str, secrets: Secrets) -> PhoneFile:
    """What a phone that holds ``held`` finds when it asks for the file with .sgn."""
    try:
        payload = read_plain(site, name, secrets)
    except CucmshError as problem:
        return PhoneFile(name, fault=problem.message)
    return PhoneFile(name, _problem(site, held, name, payload))


def _problem(site: Site, held: TrustList, name: str, payload: bytes) -> str:
    path = asked(site, name) + SUFFIX
    try:
        signed = decode_signed(site.tftp.read(name + SUFFIX))
    except MissingFileError:
        return "it is not signed"
    except (StoreError, TrustListError) as problem:
        return f"its signed file is damaged: {problem.message}"
    if signed.payload != payload:
        return "it has changed since it was signed"
    verdict = judge_signed(held, signed, site.backends.verifier(), path=path)
    if not verdict.accepted:
        return verdict.reason.rstrip(".")
    if signed.header.digest != digest_of(site):
        return "it is signed with another digest than the configured one"
    return ""


def read_plain(site: Site, name: str, secrets: Secrets) -> bytes:
    """The plain file.

    Raises:
        StoreError: it cannot be read, is too large to be signed, or holds a key.
    """
    raw = site.tftp.read(name)
    if len(raw) > MAX_PLAIN_SIZE:
        raise StoreError(
            f"{name} has {len(raw)} bytes; at most {MAX_PLAIN_SIZE} are signed"
        )
    kept = secrets.why_kept(raw)
    if kept:
        raise StoreError(f"{name} is never signed: {kept}")
    return raw


def pattern_matcher(patterns: Iterable[str]) -> Callable[[str], bool]:
    """Whether a name matches one of the patterns and is not one of those never signed.

    Letters of either case: phones and administrators write Ringlist and RINGLIST.
    """
    pairs = [
        ("/" in pattern, re.compile(fnmatch.translate(pattern), re.IGNORECASE))
        for pattern in patterns
    ]

    def matches(name: str) -> bool:
        if _is_never_signed(name):
            return False
        base = name.rpartition("/")[2]
        return any(regex.match(name if is_whole else base) for is_whole, regex in pairs)

    return matches


def _is_never_signed(name: str) -> bool:
    return name.lower().endswith(NEVER_SIGNED) or is_key_name(name)


def _sorted_out(
    tree: Tree, names: Iterable[str]
) -> tuple[list[str], list[tuple[str, str]]]:
    """The names that are files to be signed; the others, and why they are not."""
    files, links = set(tree.files), set(tree.links)
    good, bad = [], []
    for name in names:
        if _is_never_signed(name):
            bad.append((name, "such a file is never signed"))
        elif name in files:
            good.append(name)
        else:
            missing = "there is no such file in the TFTP directory"
            bad.append((name, LINK if name in links else missing))
    return good, bad


def _orphans(files: tuple[str, ...], matches: Callable[[str], bool]) -> tuple[str, ...]:
    plain = set(files)
    names = [
        (name, name.removesuffix(SUFFIX)) for name in files if name.endswith(SUFFIX)
    ]
    return tuple(name for name, asked in names if asked not in plain and matches(asked))
