"""What phones decide, as a ratio to the bare signature checks that they need.

    python benchmarks/phones.py [PHONES] [ROUNDS]
    python benchmarks/phones.py import [LINES] [ROUNDS]

Row 23: PHONES phones in one process, each with a held list and an offer of its own
choosing among some hundred lists, RSA-2048. No verdict is kept from one phone to the
next; what is kept are lists that were read. The bare checks are the library's
``verify`` over the same bytes with keys that are ready, one a phone, and each phone's
bytes are its own there, too.

Row 25: a log of tftpd-hpa of LINES lines in rsyslog's form, one in twenty of them about
lists, into an empty SQLite inventory; the yardstick reads the same file line by line
and has ``re.match`` take each apart.
"""

import random
import re
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import NamedTuple

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from cucmsh.app import open_site
from cucmsh.config.settings import parse_settings
from cucmsh.phones.decide import Held, consider_list, load_list
from cucmsh.phones.families import FAMILIES, OLDEST, Family, ListKind
from cucmsh.pki.credential import Credential, make_credential
from cucmsh.pki.model import Unit
from cucmsh.pki.verify import SignatureVerifier
from cucmsh.services.caller import Caller, Unrecorded, WayIn
from cucmsh.services.phones.imports import import_logs
from cucmsh.services.site import Site
from cucmsh.trustlist.encode import full_record, hashed_record
from cucmsh.trustlist.model import TrustList
from cucmsh.trustlist.sealing import seal
from cucmsh.trustlist.tags import Digest, Role

CONFIGURATION = """
[node]
name = "pub"
home = "{home}"
[cluster]
[[cluster.nodes]]
name = "pub"
role = "publisher"
services = []
"""
GATE = 1.5
LISTS = 100
Check = tuple[rsa.RSAPublicKey, bytes, bytes]


class Given(NamedTuple):
    """A phone, what lies in its flash, what it is given, and the check it needs."""

    family: Family
    flash: bytes
    raw: bytes
    check: Check


def made_lists() -> list[TrustList]:
    """Lists of a cluster that was regenerated now and then."""
    now = datetime.now(UTC)
    keys = [
        make_credential(unit, "bench", "OU=tac;O=bench;C=US", now)
        for unit in (Unit.CALL_MANAGER, Unit.TVS) * 4
    ]
    recovery = make_credential(Unit.ITL_RECOVERY, "bench", "OU=tac;O=bench;C=US", now)
    return [
        made(keys[number % 8], recovery, keys[(number + 1) % 8], number)
        for number in range(LISTS)
    ]


def made(
    signer: Credential, recovery: Credential, tvs: Credential, number: int
) -> TrustList:
    """A list of six records, as a cluster of two nodes has it."""
    certificate = signer.certificate
    records = (
        full_record(Role.SAST, certificate),
        full_record(Role.TFTP, certificate),
        hashed_record(Role.CAPF, tvs.certificate),
        hashed_record(Role.TVS, tvs.certificate),
        full_record(Role.SAST, recovery.certificate),
        hashed_record(Role.TVS, certificate),
    )
    who = recovery if number % 3 == 0 else signer
    return seal(records, who, timestamp=number, digest=Digest.SHA1)


def check_of(made_list: TrustList) -> Check:
    signer = next(
        record
        for record in made_list.records
        if record.serial == made_list.header.serial
    )
    key = load_der_public_key(signer.public_key or b"")
    assert isinstance(key, rsa.RSAPublicKey)
    return key, made_list.header.signature, made_list.unsigned


def timed(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


LINE = re.compile(r"(\S+) (\S+) in\.tftpd\[(\d+)\]: RRQ from (\S+) filename (.*)")
IMPORT_GATE = 2.0
OTHERS = ("SEP{:012X}.cnf.xml.sgn", "SK{:012x}.xml.sgn", "{:012x}.loads", "{:x}.raw")


def write_log(path: Path, lines: int) -> None:
    """Phones of a cluster boot: each asks for some files within a minute."""
    dice, start = random.Random(1), datetime(2026, 11, 1, tzinfo=UTC)
    with path.open("w") as file:
        for number in range(lines):
            phone = dice.randrange(20_000)
            if number % 20 == 0:
                asked = "ITLFile.tlv" if number % 40 else f"CTLSEP{phone:012X}.tlv"
            else:
                asked = OTHERS[number % 4].format(phone)
            at = (start + timedelta(seconds=number // 20)).isoformat(timespec="seconds")
            file.write(
                f"{at[:19]}.014357+00:00 pbx in.tftpd[{1000 + number % 30_000}]: "
                f"RRQ from 10.0.{phone >> 8}.{phone & 255} filename {asked}\n"
            )


def import_log(lines: int, rounds: int) -> bool:
    """Whether row 25 is missed."""
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "syslog")
        write_log(log, lines)
        for number in range(rounds):
            home = Path(folder, str(number))
            (home / "state").mkdir(parents=True)
            text = CONFIGURATION.format(home=home)
            site = open_site(parse_settings(text.encode(), f"{home}/cucmsh.toml"))
            site = site.called_by(Caller(WayIn.NODE), Unrecorded())

            def bare() -> None:
                with log.open() as file:
                    for line in file:
                        re.match(LINE, line)

            def ours(site: Site = site) -> None:
                done = import_logs(site, [str(log)])
                assert done.problem is None, done.problem
                assert done.recorded.claims > lines / 25

            base, imported = timed(bare), timed(ours)
            ratios.append(imported / base)
            print(f"{base:.2f} s bare, {imported / base:.2f}")
    print(f"row 25: {median(ratios):.2f} of re.match (at most {IMPORT_GATE})")
    return median(ratios) > IMPORT_GATE


def main() -> int:
    if sys.argv[1:2] == ["import"]:
        figures = [int(each) for each in sys.argv[2:]]
        return import_log(*(figures + [1_000_000, 3][len(figures) :]))
    phones = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    dice = random.Random(1)
    lists = made_lists()
    files = [each.raw for each in lists]
    checks = [check_of(each) for each in lists]
    families = [family for family in FAMILIES if family is not OLDEST]
    work: list[Given] = []
    for _ in range(phones):
        held, offered = dice.sample(range(LISTS), 2)
        family = dice.choice(families)
        # As they come from a flash and off a wire: no bytes are shared.
        flash, raw = (bytes(bytearray(files[number])) for number in (held, offered))
        key, signature, message = checks[offered]
        check = key, signature, bytes(bytearray(message))
        work.append(Given(family, flash, raw, check))

    def bare() -> None:
        for given in work:
            key, signature, message = given.check
            key.verify(signature, message, padding.PKCS1v15(), hashes.SHA1())

    verifier = SignatureVerifier()

    def decide() -> None:
        for given in work:
            held = Held(given.family, itl=load_list(given.flash))
            consider_list(held, ListKind.ITL, given.raw, verifier)

    ratios = []
    for _ in range(rounds):
        base, decided = timed(bare), timed(decide)
        ratios.append(decided / base)
        print(f"{base / phones * 1e6:6.1f} us bare, {decided / base:.2f}")
    print(f"row 23: {median(ratios):.2f} of the bare checks (at most {GATE})")
    return median(ratios) > GATE


if __name__ == "__main__":
    sys.exit(main())
