"""What `cucmsh export` shows before it asks, and the README.txt of its folder. Pure.

README.txt is for whoever goes on with another tool, perhaps years later: it says what
each file is, which key must sign, and who would refuse what.
"""

from __future__ import annotations

from collections.abc import Iterator

from cucmsh.layout import (
    CTL_FILE,
    EXPORTED_CERTIFICATES,
    EXPORTED_HELD,
    EXPORTED_KEYS,
    EXPORTED_TFTP,
    LIST_FILE,
    RECOVERY_NAME,
)
from cucmsh.services.adoption.export_plan import ExportedKey, ExportPlan, HeldList
from cucmsh.services.lists.acceptance import period
from cucmsh.trustlist.tags import role_label

NO_SIGNER = """\
No key of this node is known to all lists in {held}/. Phones that refuse the next
list keep theirs; below is who they are. Reset the phones here until all hold one list,
or choose the key that the fewest refuse."""
SECOND = """\
Name in the next list, as System Administrator Security Token, its signer and one more
key that you keep: a phone takes the list after that from either. A list holds two."""
NO_FILE_SIGNER = """\
No single key signs files for holders of all lists in {held}/; the table below says
which key each of them takes files from."""
CERTUTILS = """\
Each {keys}/*.pem is what tlvfile and sgnfile take: a key, not encrypted, and its
certificate in one file. tlvfile signs with the first certificate that is given as
--sast; it takes RSA keys of 1024, 2048 and 4096 bits. {certificates}/ has the other
records' certificates. It spells names otherwise than this node does: try one phone of
each model first."""
PLAIN_SERVER = """\
Copy what is in {tftp}/ into the directory that it serves, beside the phones' plain
files. Nothing has to be signed until a file or a list changes. Never copy {keys}/
there."""
ANOTHER = """\
    cucmsh adopt {words}
reads this folder: see docs/adoption.md. {recovery}"""
RECOVERY_FILE = f"{EXPORTED_KEYS}/{RECOVERY_NAME}"
RECOVERY = f"""{RECOVERY_FILE} opens with the cluster
security password; `utils itl reset remotekey` takes it, too."""
CUCM = """\
No way is known to give these keys to a CUCM. Phones take its list if the one that they
hold names its signer: so, while this node still serves them, put the certificate of
the CUCM's signer into this node's list (a [[cluster.records]] with the role sast), and
reset the phones. See docs/adoption.md."""


def plan_lines(plan: ExportPlan) -> Iterator[str]:
    """What would be written where, and which key the next tool must use."""
    if plan.lists_only:
        yield "No private key is written."
    else:
        yield "These private keys would leave this node, not encrypted:"
        for key in plan.keys:
            yield f"  {_plain(key.name)}  {_what(key)}"
        if plan.recovery_file:
            yield f"  {RECOVERY_FILE}  under the cluster security password"
        yield "Whoever has them can make the phones believe anything."
    lists = [name for name in plan.files if name in (LIST_FILE, CTL_FILE)]
    yield (
        f"Besides: {', '.join(lists) or 'no list'}, {len(plan.files) - len(lists)} "
        f"signed files, {_count(plan)} lists that phones may hold, "
        f"{len(plan.certificates)} certificates."
    )
    yield from _left_out(plan)
    signers = [key.what for key in plan.signers]
    if plan.held:
        yield (
            f"The next tool must sign its list with {' or '.join(signers)}."
            if signers
            else "No single key is known to all lists that phones may hold."
        )


def readme_text(plan: ExportPlan) -> str:
    """The README.txt, with its last line end."""
    return "\n".join(_readme(plan)) + "\n"


def _readme(plan: ExportPlan) -> Iterator[str]:
    title = f"Exported from {plan.node} on {plan.moment:%Y-%m-%d %H:%M:%S} UTC"
    yield title
    yield "=" * len(title)
    if not plan.lists_only:
        yield from _section("Keep this folder like a private key: it holds some.")
    yield from _section("WHICH KEY MUST SIGN", *_who_signs(plan))
    yield from _section("WHO TAKES WHAT", *_who_takes(plan))
    yield from _section("WHAT IS HERE", *_content(plan))
    if plan.left_out or plan.empty:
        yield from _section("WHAT IS NOT HERE", *_left_out(plan))
    names = {
        "keys": EXPORTED_KEYS,
        "tftp": EXPORTED_TFTP,
        "certificates": EXPORTED_CERTIFICATES,
    }
    if not plan.lists_only:
        yield from _section("WITH CERTUTILS", CERTUTILS.format(**names))
    yield from _section("WITH A TFTP SERVER ALONE", PLAIN_SERVER.format(**names))
    if not plan.lists_only:
        recovery = RECOVERY if plan.recovery_file else ""
        words = _adopt_words(plan)
        text = ANOTHER.format(words=words, recovery=recovery).rstrip()
        yield from _section("WITH ANOTHER cucmsh", text)
    yield from _section("WITH A CUCM", CUCM)


def _section(title: str, *lines: str) -> Iterator[str]:
    yield ""
    yield title
    yield from lines


def _who_signs(plan: ExportPlan) -> Iterator[str]:
    yield "A phone takes a list only if the list that it holds names the signer as"
    yield "System Administrator Security Token (SAST)."
    if not plan.held:
        yield "No list is served here: phones that hold none take the first one."
        return
    if plan.signers:
        yield f"Holders of every list in {EXPORTED_HELD}/ take what one of these signs:"
        yield from (f"    {_called(plan, key)}" for key in plan.signers)
    else:
        yield NO_SIGNER.format(held=EXPORTED_HELD)
    yield SECOND
    yield "Phones' files (.sgn) are signed by a key that the held list names as TFTP"
    yield "or CCM+TFTP."
    if plan.file_signers:
        yield f"For holders of every list in {EXPORTED_HELD}/:"
        yield from (f"    {_called(plan, key)}" for key in plan.file_signers)
    else:
        yield NO_FILE_SIGNER.format(held=EXPORTED_HELD)


def _who_takes(plan: ExportPlan) -> Iterator[str]:
    for held in plan.held:
        yield _plain(held.name)
        yield f"    {_about(held)}"
        for key in plan.keys:
            if not key.signs_lists:
                continue
            why = key.refused.get(held.name)
            answer = f"REFUSED: {why}" if why else "taken"
            files = "files taken" if held.name in key.files_for else "files refused"
            yield _plain(f"    {key.what}: {answer.rstrip('.')}; {files}")
    if plan.given_up:
        yield f"{plan.given_up} more were given up with `utils itl trust release`."
    if any(held.kept is None for held in plan.held):
        yield f"A phone that holds {CTL_FILE} too takes what either of its lists does."


def _about(held: HeldList) -> str:
    if held.kept is None:
        return "a CTL, as it lies in the TFTP directory"
    where = f", lies on {', '.join(held.kept.nodes)}" if held.kept.nodes else ""
    return f"MD5 {held.kept.digests.md5}, served {period(held.kept)}{where}"


def _content(plan: ExportPlan) -> Iterator[str]:
    if not plan.lists_only:
        for key in plan.keys:
            yield _called(plan, key)
        if plan.recovery_file:
            yield f"{RECOVERY_FILE}: the same key as ITLRecovery.pem, PKCS#12"
    for name in plan.files:
        yield _plain(f"{EXPORTED_TFTP}/{name}")
    yield f"{EXPORTED_HELD}/: the lists that phones may hold, called after their SHA-1"
    for listed in plan.certificates:
        roles = ", ".join(role_label(role) for role in listed.roles)
        yield _plain(f"{listed.name}: {listed.certificate.subject_name} ({roles})")


def _left_out(plan: ExportPlan) -> Iterator[str]:
    for name in plan.empty:
        yield f"{name} is empty, and so no list."
    for name, why in plan.left_out:
        yield _plain(f"Left out: {name}: {why}")


def _adopt_words(plan: ExportPlan) -> str:
    words = [f"--adopt-list {EXPORTED_TFTP}"]
    words += [f"--adopt-key {key.name}" for key in plan.keys if key.signs_lists]
    return " ".join([*words, f"--held {EXPORTED_HELD}"])


def _count(plan: ExportPlan) -> int:
    return sum(1 for held in plan.held if held.kept)


def _called(plan: ExportPlan, key: ExportedKey) -> str:
    """The key, by its file if there is one."""
    return _what(key) if plan.lists_only else f"{key.name}: {_what(key)}"


def _what(key: ExportedKey) -> str:
    return _plain(f"{key.what}, {key.credential.certificate.subject_name}")


def _plain(text: str) -> str:
    """A line of ours, whatever a list or a file is called."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else "?" for char in text)
