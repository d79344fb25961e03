"""Signing the phones' files, as ratios to bare RSA-2048 signatures in the same run.

    python benchmarks/signing.py [FILES] [ROUNDS] [FSYNC_MILLISECONDS]

Makes a node and FILES files of 4 KB in a temporary directory, then times, turn by turn:
FILES bare signatures of the same library, one run that signs them all (a new
CallManager key each time), one that finds all of them current, and one that signs
without threads. Each signature is verified after it was made, each file synced, read
back and renamed. The third word makes every fsync take so long more, as a disk does
that really waits; then there is no gate.
"""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from cucmsh.app import open_site
from cucmsh.config.settings import read_settings
from cucmsh.pki.credential import make_credential
from cucmsh.pki.model import Unit
from cucmsh.secret import Secret
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.lists import sign_files as signing
from cucmsh.services.lists.compose import compose_for_start
from cucmsh.services.lists.phone_files import choose
from cucmsh.services.lists.sign_files import sign_files
from cucmsh.services.nodes.make import make_node
from cucmsh.services.site import Site

SIGN_GATE, CURRENT_GATE = 8.0, 3.0
CONFIGURATION = """\
keep_trust = false
[node]
name = "bench"
home = "{home}"
[cluster]
subject = "OU=tac;O=cisco;L=rtp;ST=nc;C=US"
[[cluster.nodes]]
name = "bench"
role = "publisher"
services = ["tftp"]
tftp_directory = "{tftp}"
"""


def made_site(root: Path, files: int) -> Site:
    (root / "tftp").mkdir()
    config = root / "cucmsh.toml"
    config.write_text(
        CONFIGURATION.format(home=str(root / "home"), tftp=str(root / "tftp"))
    )
    site = open_site(read_settings(str(config)))
    make_node(site, Secret("a security password"), Secret("a ccm password"))
    for number in range(files):
        path = root / "tftp" / f"SEP{number:012X}.cnf.xml"
        path.write_bytes(os.urandom(4096))
    return site


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def new_key(site: Site) -> rsa.RSAPrivateKey:
    """A new CallManager key and its list: every file needs a new signature."""
    now = datetime.now(UTC)
    key = make_credential(Unit.CALL_MANAGER, "bench", "O=bench", now)
    Keystore(site).install(Unit.CALL_MANAGER, key)
    compose_for_start(site)
    return key.private_key


def sign_bare(key: rsa.RSAPrivateKey, count: int) -> None:
    message = os.urandom(4096 + 500)
    for _ in range(count):
        key.sign(message, padding.PKCS1v15(), hashes.SHA512())


@contextmanager
def one_worker() -> Iterator[None]:
    usual, signing.WORKERS = signing.WORKERS, 1
    yield
    signing.WORKERS = usual


def slow_fsync(milliseconds: float) -> None:
    real = os.fsync

    def fsync(descriptor: int) -> None:
        real(descriptor)
        time.sleep(milliseconds / 1000)

    os.fsync = fsync  # type: ignore[assignment]  # descriptors only


def main() -> int:
    defaults = ["10000", "3", "0"]
    words = [*sys.argv[1:], *defaults[len(sys.argv) - 1 :]]
    files, rounds, wait = int(words[0]), int(words[1]), float(words[2])
    root = Path(tempfile.mkdtemp(prefix="cucmsh-signing-"))
    try:
        site = made_site(root, files)
        if wait:
            slow_fsync(wait)
        bare, signed, current, alone = [], [], [], []
        for _ in range(rounds):
            key = new_key(site)
            bare.append(timed(partial(sign_bare, key, files)))
            signed.append(timed(lambda: sign_files(site, choose(site))))
            report = sign_files(site, choose(site))
            assert len(report.unchanged) == files, report.failed[:3]
            current.append(timed(lambda: sign_files(site, choose(site))))
            new_key(site)
            with one_worker():
                alone.append(timed(lambda: sign_files(site, choose(site))))
    finally:
        shutil.rmtree(root)
    print(f"{files} files of 4 KB, {rounds} rounds, fsync + {wait:g} ms")
    print(f"bare signatures  {median(bare):6.2f} s")
    missed = False
    for name, times, gate in (
        ("all signed", signed, SIGN_GATE),
        ("one at a time", alone, float("inf")),
        ("all current", current, CURRENT_GATE),
    ):
        ratio = median(a / b for a, b in zip(times, bare, strict=True))
        missed |= ratio > gate and not wait
        print(f"{name:16} {median(times):6.2f} s  {ratio:5.2f} x bare  (gate {gate})")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
