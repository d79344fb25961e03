"""Where phones come from, what is handed over, what happens then: who takes our lists.

Lists and keys are made by the rig's own encoder, the node's lists by the product's
use-cases, and the answers are given by an oracle that knows nothing of the product.
``docs/adoption.md`` shows this very table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha1
from pathlib import Path
from typing import NamedTuple

import pytest

from cucmsh.config.settings import read_settings
from cucmsh.errors import RefusedError
from cucmsh.pki.model import Unit
from cucmsh.services.adoption.apply import adopt
from cucmsh.services.adoption.material import Request
from cucmsh.services.adoption.plan import AdoptionPlan
from cucmsh.services.certificates.regenerate import regenerate
from cucmsh.services.lists.plan_reset import plan_local_reset
from cucmsh.services.site import Site
from tests.rigs import foreign_lists as rig
from tests.rigs.draws import some
from tests.rigs.foreign_lists import CERTUTILS, CUCM, Dialect, Identity
from tests.services import holder
from tests.services.adoption.person import Person
from tests.services.made_cluster import cheap_questions, made_cluster

PAGE = Path(__file__).parents[3] / "docs" / "adoption.md"
EVENTS = (
    "first list",
    "restart",
    "regen CallManager",
    "regen ITLRecovery",
    "reset after the first list: asleep",
    "awake",
)
TAKEN, STAYS, REFUSED = "taken", "the old list stays", "refused"
AND_CAPF = " and CAPF"
PASSWORD = "cisco"  # shorter than what a node keeps
CONFIGURATION = "SEP001122334455.cnf.xml"


class Start(NamedTuple):
    """What lies on the other server, and what a person has of it.

    Attributes:
        files: of its TFTP directory, by name.
        keys: files that may be handed over, by what they are called in the table.
        capf: the CAPF key that phones enrolled with, if it may be handed over too.
    """

    files: Mapping[str, bytes]
    keys: Mapping[str, tuple[bytes, ...]]
    capf: Identity | None = None

    @property
    def itl(self) -> bytes | None:
        return self.files.get("ITLFile.tlv") or None

    @property
    def ctl(self) -> bytes | None:
        return self.files.get("CTLFile.tlv") or None


def certutils(
    bits: int = 1024, digest: str = "sha512", *, tokens: int = 1, has_ec: bool = False
) -> Start:
    """``tlvfile`` with one or two ``--sast``, and a TFTP key of its own."""
    sast = rig.identity(f"sast1 of {bits}", bits)
    second, tftp = rig.identity("sast2"), rig.identity("tftp")
    rows = [(rig.SAST, sast), (rig.SAST, second)][:tokens]
    rows += [(rig.TFTP, tftp)]
    rows += [(rig.APPLICATION, rig.identity("app", "ec"))] if has_ec else []
    records = [rig.record(CERTUTILS, role, found) for role, found in rows]
    made = rig.build_list(CERTUTILS, sast, records, digest=digest)
    signed = rig.sign_file(
        CERTUTILS, tftp, f"{CONFIGURATION}.sgn", b"<device/>", digest
    )
    keys = {
        "SAST": (sast.pem,),
        "second SAST": (second.pem,),
        "SAST, no certificate": (sast.key_pem,),
        "SAST and TFTP": (sast.pem, tftp.pem),
    }
    files = {
        "ITLFile.tlv": made,
        CONFIGURATION: b"<device/>",
        f"{CONFIGURATION}.sgn": signed,
    }
    return Start(files, keys)


def cucm(release: int, cipher: str = "3DES", *, has_ctl: bool = False) -> Start:
    """A CUCM's list: CallManager signs it before 12, ITLRecovery from 12 on."""
    call_manager = rig.identity("cucm", name=rig.CUCM_NAME)
    capf = rig.identity("CAPF-1", name=rig.CUCM_NAME)
    tvs = rig.identity("tvs", name=rig.CUCM_NAME)
    recovery = rig.recovery_identity("ITLRECOVERY_cucm")
    records = [
        rig.record(CUCM, rig.SAST, call_manager),
        rig.record(CUCM, rig.TFTP, call_manager),
        rig.record(CUCM, rig.CAPF, capf, is_hash=True),
        rig.record(CUCM, rig.TVS, tvs, is_hash=True),
        rig.record(CUCM, rig.SAST, recovery),
    ]
    signer = call_manager if release < 12 else recovery
    files = {"ITLFile.tlv": rig.build_list(CUCM, signer, records)}
    token = rig.identity("token1")
    if has_ctl:
        files["CTLFile.tlv"] = ctl(CUCM, [("token1", token), ("token2", None)])
    keys = {
        "SAST of the CTL": (token.pem,),
        "ITLRecovery.p12": (rig.recovery_file(recovery, PASSWORD, cipher),),
        "CallManager": (call_manager.pem,),
    }
    return Start(files, keys, capf)


def ctl(dialect: Dialect, tokens: Iterable[tuple[str, Identity | None]]) -> bytes:
    found = [known or rig.identity(name) for name, known in tokens]
    records = [rig.record(dialect, rig.SAST, token) for token in found]
    return rig.build_list(dialect, found[0], records, file_name="CTLFile.tlv")


def ctl_alone() -> Start:
    token = rig.identity("token1")
    keys = {"SAST of the CTL": (token.pem,)}
    return Start(
        {"CTLFile.tlv": ctl(CUCM, [("token1", token), ("token2", None)])},
        keys,
    )


def empty() -> Start:
    return Start({"ITLFile.tlv": b"", "CTLFile.tlv": b""}, {})


STARTS: dict[str, Callable[[], Start]] = {
    "certutils, one SAST, SHA-512": certutils,
    "certutils, one SAST, SHA-1": lambda: certutils(digest="sha1"),
    "certutils, two SAST": lambda: certutils(tokens=2),
    "certutils, RSA-2048": lambda: certutils(2048),
    "certutils, RSA-4096": lambda: certutils(4096),
    "certutils, an EC record": lambda: certutils(has_ec=True),
    "CUCM 10": lambda: cucm(10),
    "CUCM 10, RC2": lambda: cucm(10, "RC2"),
    "CUCM 10, a CTL beside": lambda: cucm(10, has_ctl=True),
    "CUCM 12": lambda: cucm(12),
    "a CTL alone": ctl_alone,
    "files of zero bytes": empty,
}
ADOPTED = (TAKEN, TAKEN, TAKEN, TAKEN, REFUSED, TAKEN)
LOST = (STAYS, STAYS, STAYS, STAYS, REFUSED, REFUSED)
NOTHING_HELD = (TAKEN,) * len(EVENTS)
TABLE: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("certutils, one SAST, SHA-512", "SAST", ADOPTED),
    ("certutils, one SAST, SHA-512", "SAST and TFTP", ADOPTED),
    ("certutils, one SAST, SHA-512", "SAST, no certificate", ADOPTED),
    ("certutils, one SAST, SHA-512", "", LOST),
    ("certutils, one SAST, SHA-1", "SAST", ADOPTED),
    ("certutils, two SAST", "SAST and TFTP", ADOPTED),
    ("certutils, two SAST", "second SAST", ADOPTED),
    ("certutils, two SAST", "", LOST),
    ("certutils, RSA-2048", "SAST", ADOPTED),
    ("certutils, RSA-4096", "SAST", ADOPTED),
    ("certutils, an EC record", "SAST", ADOPTED),
    ("certutils, an EC record", "", LOST),
    ("CUCM 10", "ITLRecovery.p12", ADOPTED),
    ("CUCM 10", f"ITLRecovery.p12{AND_CAPF}", ADOPTED),
    ("CUCM 10", "CallManager", ADOPTED),
    ("CUCM 10", "", LOST),
    ("CUCM 10, RC2", "ITLRecovery.p12", ADOPTED),
    ("CUCM 10, a CTL beside", "ITLRecovery.p12", ADOPTED),
    ("CUCM 10, a CTL beside", "SAST of the CTL", LOST),
    ("CUCM 10, a CTL beside", "", LOST),
    ("CUCM 12", "ITLRecovery.p12", ADOPTED),
    ("CUCM 12", "CallManager", ADOPTED),
    ("CUCM 12", "", LOST),
    ("a CTL alone", "SAST of the CTL", ADOPTED),
    ("files of zero bytes", "", NOTHING_HELD),
)


@pytest.fixture(autouse=True)
def cheap_things(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap_questions(monkeypatch)


class Newcomer:
    """A node before which the phones of ``start`` are, with its files in place."""

    def __init__(self, folder: Path, start: Start) -> None:
        self.start = start
        self.cluster = made_cluster(folder, keep_trust=True)
        self.cluster.write_configurations()
        self.member = self.cluster.publisher
        self.tftp = Path(self.member.node.tftp_directory)
        self.tftp.mkdir(exist_ok=True)
        self.elsewhere = folder / "elsewhere"
        self.elsewhere.mkdir()
        for name, raw in start.files.items():
            (self.tftp / name).write_bytes(raw)
            (self.elsewhere / name).write_bytes(raw)

    def adopt(self, handed: str) -> AdoptionPlan:
        keys = []
        what = handed.removesuffix(AND_CAPF)
        for at, raw in enumerate(self.start.keys.get(what, ())):
            path = self.tftp.parent / f"key{at}"
            path.write_bytes(raw)
            keys.append(str(path))
        person = Person(passwords=(PASSWORD,))
        capf = self.tftp.parent / "capf.pem"
        if self.start.capf is not None:
            capf.write_bytes(self.start.capf.pem)
        named = str(capf) if handed.endswith(AND_CAPF) else ""
        request = Request((str(self.elsewhere),), tuple(keys), named)
        adopted = adopt(self.reopened(), request, person)
        self.reopened()
        return adopted.plan

    def reopened(self) -> Site:
        settings = read_settings(self.member.site.settings.path)
        self.member.site = self.member.again().with_settings(settings)
        return self.member.site

    def answer(self) -> str:
        """What phones that hold what they held do at the next start."""
        self.member.start()
        itl, held_ctl = self.start.itl, self.start.ctl
        if itl is not None and self.member.raw == itl:
            return STAYS
        return TAKEN if holder.takes(itl, self.member.raw, held_ctl) else REFUSED

    def regenerate(self, unit: Unit) -> None:
        self.cluster.clock.pass_seconds(600)
        regenerate(self.member.site, unit)

    def reset(self) -> tuple[str, str]:
        """A reset right after the first list, a person saying yes to all questions.

        Returns:
            What phones do that slept since before the adoption, and those that took
            what this node serves.
        """
        awake = self.member.raw
        plan = plan_local_reset(self.member.site)
        itl, held_ctl = self.start.itl, self.start.ctl
        takes = [holder.takes(itl, plan.trust_list.raw, held_ctl)]
        takes.append(holder.takes(awake, plan.trust_list.raw))
        assert all(takes) or plan.questions, "phones are lost, and nobody was asked"
        self.cluster.apply(plan)
        assert self.member.raw == plan.trust_list.raw
        asleep, followed = (TAKEN if taken else REFUSED for taken in takes)
        return asleep, followed


def answers(make: Callable[[], Newcomer]) -> tuple[str, ...]:
    newcomer = make()
    found = [newcomer.answer(), newcomer.answer()]
    for unit in (Unit.CALL_MANAGER, Unit.ITL_RECOVERY):
        newcomer.regenerate(unit)
        found.append(newcomer.answer())
    other = make()
    other.answer()
    return (*found, *other.reset())


@pytest.mark.thorough
@pytest.mark.parametrize(("start", "handed", "expected"), some(TABLE, 7))
def test_phones_answer_as_the_table_says(
    start: str, handed: str, expected: tuple[str, ...], tmp_path: Path
) -> None:
    made = STARTS[start]()

    def make() -> Newcomer:
        folder = tmp_path / f"new{len(list(tmp_path.iterdir()))}"
        newcomer = Newcomer(folder, made)
        if made.itl or made.ctl:
            newcomer.adopt(handed)
        else:
            with pytest.raises(RefusedError, match="no list that phones could hold"):
                newcomer.adopt(handed)
        return newcomer

    assert answers(make) == expected


@pytest.mark.thorough
def test_a_capf_that_phones_enrolled_with_stays(tmp_path: Path) -> None:
    newcomer = Newcomer(tmp_path / "new", cucm(10))
    newcomer.adopt(f"ITLRecovery.p12{AND_CAPF}")
    newcomer.member.start()
    capf = newcomer.start.capf
    assert capf is not None
    (row,) = [at for at in newcomer.member.served.records if at.role == rig.CAPF]
    assert row.certificate_hash == sha1(capf.der, usedforsecurity=False).digest()
    assert newcomer.member.keys.certificate(Unit.CAPF).der == capf.der


@pytest.mark.thorough
def test_phones_that_hold_any_of_our_lists_go_along(tmp_path: Path) -> None:
    newcomer = Newcomer(tmp_path / "new", certutils(tokens=2))
    newcomer.adopt("SAST and TFTP")
    seen = [newcomer.start.files["ITLFile.tlv"]]
    for unit in (None, Unit.CALL_MANAGER, Unit.ITL_RECOVERY, Unit.CALL_MANAGER):
        if unit is not None:
            newcomer.regenerate(unit)
        newcomer.member.start()
        assert all(holder.takes(held, newcomer.member.raw) for held in seen)
        seen.append(newcomer.member.raw)


@pytest.mark.thorough
def test_signed_files_are_taken_before_and_after_the_first_list(tmp_path: Path) -> None:
    newcomer = Newcomer(tmp_path / "new", certutils())
    held = newcomer.start.files["ITLFile.tlv"]
    newcomer.adopt("SAST and TFTP")
    newcomer.member.start()
    for payload in (b"<device/>", b"<device>changed</device>"):
        (newcomer.tftp / CONFIGURATION).write_bytes(payload)
        newcomer.member.start()
        signed = (newcomer.tftp / f"{CONFIGURATION}.sgn").read_bytes()
        assert signed.endswith(payload)
        assert holder.takes_file(held, signed)
        assert holder.takes_file(newcomer.member.raw, signed)


def table() -> list[str]:
    rows: list[tuple[str, ...]] = [("phones come from", "handed over", *EVENTS)]
    rows += [(start, handed or "nothing", *cells) for start, handed, cells in TABLE]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return [lines[0], f"|{'---|' * len(rows[0])}", *lines[1:]]


def test_the_page_shows_this_table() -> None:
    found = re.search(
        r"^\| phones come from .*?(?=\n\n)", PAGE.read_text(), re.MULTILINE | re.DOTALL
    )
    assert found, "\n".join(table())
    assert found[0].split("\n") == table()
