"""Puts bugs into a copy of the program and asks whether the named tests notice (G18).

    python -m tests.faults.seeded_bugs            all of them
    python -m tests.faults.seeded_bugs NAME...    these

Each bug is an expression or two that are replaced by others in a copy of the tree; the
copy has an environment of its own, so that the programs that tests start have the bug
too. A bug whose test passes was missed. Where what a bug changes
is no longer there, or is there twice, this says so and fails. Exits 1 if a bug was
missed, or could not be tried.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from tests.faults.edits import Edit, NotFoundOnceError, edited, find_file
from tests.rigs.longer_check import exit_with

ROOT = Path(__file__).parents[2]
COPIED = ("cucmsh", "commands", "tests", "pyproject.toml")
PRODUCT = ("cucmsh", "commands")
SHOWN = 3000  # characters of what a test says that should pass
TIMEOUT_SECONDS = 300

# The words find the test, wherever in its folder it moves.
STORAGE, REMOTE = "tests/storage", "tests/remote"
FAULTS, LOGIN = "tests/faults", "tests/cli/login"


class Bug(NamedTuple):
    """A bug, and the test that must notice: its place, and words for ``pytest -k``."""

    name: str
    edits: tuple[Edit, ...]
    file: str
    words: str


# What several bugs are made of.
SHORT_WRITE = Edit(
    "_write_all",
    "view[os.write(descriptor, view) :]",
    "view[len(view) + os.write(descriptor, view) :]",
)
NO_READ_BACK = Edit(
    "LocalStore._check_written", "_read_all(descriptor) != raw", "False"
)
NO_KEEP_MARK = Edit("put_in_place", "set_keep_mark(site.home, sha256)", "None")
INSTALL_KEY = "Keystore(site).install_recovery(plan.key_file, plan.recovery)"
CHECK = "require_ccm_password(site, dialog.ccm_password())"
CHECK_KEPT = "require_ccm_password(site, password := dialog.ccm_password())"

BUGS = (
    Bug(
        "drop the sync of the file",
        (Edit("LocalStore.stage", "os.fsync(descriptor)", "None"),),
        f"{FAULTS}/test_order.py",
        "f02_nothing_is_renamed",
    ),
    Bug(
        "drop the sync of the folder",
        (Edit("LocalStore.commit", "os.fsync(folder)", "None"),),
        f"{FAULTS}/test_order.py",
        "f02_nothing_is_renamed",
    ),
    Bug(
        "rename before the sync",
        (
            Edit("LocalStore.stage", "os.fsync(descriptor)", "None"),
            Edit(
                "LocalStore.commit",
                "os.fsync(folder)",
                "os.fsync(self._staged[temporary])\nos.fsync(folder)",
            ),
        ),
        STORAGE,
        "everything_is_synced",
    ),
    Bug("ignore a short write", (SHORT_WRITE,), STORAGE, "short_writes"),
    Bug(
        "ignore a short write and skip the read-back",
        (SHORT_WRITE, NO_READ_BACK),
        f"{FAULTS}/test_disks.py",
        "f07_a_publisher_whose_tftp_disk and short",
    ),
    Bug(
        "skip the read-back of what was written",
        (NO_READ_BACK,),
        STORAGE,
        "gives_back_other_bytes",
    ),
    Bug(
        "write in place",
        (
            Edit(
                "LocalStore.write",
                "write_in_halves(self, name, raw, mode)",
                "with self._folder(name, make=True) as (folder, last):\n"
                "    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC\n"
                "    opened = os.open(last, flags, mode, dir_fd=folder)\n"
                "    _write_all(opened, raw)\n"
                "    os.close(opened)\n",
            ),
        ),
        f"{FAULTS}/test_disks.py",
        "f07_a_publisher_whose_tftp_disk",
    ),
    Bug(
        "set the mode late",
        (Edit("make_temporary", "0o600", "0o666"),),
        f"{FAULTS}/test_secrets.py",
        "not_even_for_a_moment",
    ),
    Bug(
        "leave the mode to the umask",
        (Edit("LocalStore.stage", "os.fchmod(descriptor, mode)", "None"),),
        STORAGE,
        "whatever_the_umask",
    ),
    Bug(
        "ignore what the server says about its sync",
        (Edit("Upload._fill", "synced.check_unless_barred()", "None"),),
        f"{FAULTS}/test_disks.py",
        "f08_a_node_whose_disk_does_not_sync",
    ),
    Bug(
        "upload without reading back",
        (
            Edit(
                "Upload._compare",
                "back != raw and self._read_again() != raw",
                "False",
            ),
        ),
        REMOTE,
        "fault_of_the_server",
    ),
    Bug(
        "believe in the handle that was foreseen",
        (Edit("read_at_once.finish", "not rest or handle != spare", "not rest"),),
        REMOTE,
        "handle_of_another_file",
    ),
    Bug(
        "skip the host key check",
        (Edit("open_node.decide", "shown != pinned", "False"),),
        f"{FAULTS}/test_network.py",
        "f11_whatever_the_name_leads_to",
    ),
    Bug(
        "skip the TFTP proof of the publisher",
        (Edit("_prove", "why_unserved(site, site.node.tftp, raw)", '""'),),
        "tests/services",
        "lying_tftp",
    ),
    Bug(
        "skip the TFTP proof of a node",
        (
            Edit(
                "JobRunner.install",
                "begun[-1].why_unserved()",
                '""',
            ),
        ),
        f"{FAULTS}/test_services.py",
        "serves_something_else",
    ),
    Bug(
        "forget the keep mark",
        (NO_KEEP_MARK,),
        f"{FAULTS}/test_order.py",
        "rule_4",
    ),
    Bug(
        "set the keep mark after the rename",
        (
            NO_KEEP_MARK,
            Edit(
                "put_in_place",
                "directory.write(LIST_FILE, raw, SERVED_MODE)",
                "directory.write(LIST_FILE, raw, SERVED_MODE)\n"
                "set_keep_mark(site.home, sha256)",
            ),
        ),
        f"{FAULTS}/test_order.py",
        "rule_4",
    ),
    Bug(
        "drop the compare-and-swap on the publisher",
        (
            Edit(
                "put_in_place",
                "refuse_unless_expected(site.node, served, (expected, sha256))",
                "None",
            ),
        ),
        "tests/services",
        "changed or meanwhile or looked_at",
    ),
    Bug(
        "drop the compare-and-swap on a node",
        (
            Edit(
                "ReplicaReset._require_seen",
                "refuse_unless_expected(self._node, sha256_or_none(there), expected)",
                "None",
            ),
        ),
        f"{FAULTS}/test_network.py",
        "looks_again",
    ),
    Bug(
        "write the journal after the fact",
        (Edit("_begin", "begin_reset(site, reset)", "None"),),
        f"{FAULTS}/test_order.py",
        "named_at_the_next_login or f02_nothing",
    ),
    Bug(
        "install the fetched key after the list",
        (
            Edit("_Change.run", INSTALL_KEY, "None"),
            Edit(
                "apply",
                "Report(change.outcomes, is_key_new=bool(plan.key_file))",
                f"(bool(plan.key_file) and {INSTALL_KEY}, "
                "Report(change.outcomes, is_key_new=bool(plan.key_file)))[1]",
            ),
        ),
        "tests/services",
        "key_file_is_on_disk_before_any_list",
    ),
    Bug(
        "let a person end it behind the new key",
        (
            Edit("_Change.run", "not plan.key_file", "True"),
            Edit("apply", 'progress(Step.READY, "")', "None"),
        ),
        "tests/services",
        "nothing_at_all_is_changed",
    ),
    Bug(
        "keep no earlier key file",
        (Edit("Keystore.install_recovery", "self._keep_earlier(present)", "None"),),
        f"{FAULTS}/test_key_files.py",
        "replaces_the_record and 2048",
    ),
    Bug(
        "log the password",
        (
            Edit(
                "_require_ccm_password",
                CHECK,
                f'{CHECK_KEPT}\nsite.home.append("log/audit", password.reveal())',
            ),
        ),
        f"{FAULTS}/test_secrets.py",
        "in_any_argv_environment_or_file",
    ),
    Bug(
        "hand the password to a program",
        (
            Edit(
                "_require_ccm_password",
                CHECK,
                f"{CHECK_KEPT}\n"
                'site.backends.runner().run(("/bin/true", password.reveal()))',
            ),
        ),
        f"{FAULTS}/test_secrets.py",
        "in_any_argv_environment_or_file",
    ),
    Bug(
        "allow a line break in a command",
        (Edit("Grammar.parse", "not line.isprintable()", "False"),),
        "tests/shell/test_grammar.py",
        "cannot_be_shown_is_refused",
    ),
    Bug(
        "take no lock",
        (Edit("carry_out", "site.cluster_lock(what)", "__import__('io').BytesIO()"),),
        f"{FAULTS}/test_admins.py",
        "second_reset",
    ),
    Bug(
        "sweep nothing",
        (Edit("sweep", "site.tftp.sweep()", "None"),),
        f"{FAULTS}/test_recovery.py",
        "stale_file_of_ours",
    ),
    Bug(
        "sweep nothing on a node",
        (
            Edit(
                "ReplicaReset.stage",
                "self._list.stage_swept()",
                "self._list.stage()",
            ),
        ),
        f"{FAULTS}/test_recovery.py",
        "stale_file_of_ours and node",
    ),
    Bug(
        "sweep nothing in a hook",
        (Edit("install_list", "sweep(site)", "None"),),
        f"{FAULTS}/test_members.py",
        "f24",
    ),
    Bug(
        "say nothing about who is pending",
        (Edit("_write_or_forget", "reset.pending", "False"),),
        f"{FAULTS}/test_recovery.py",
        "f23_the_next_login",
    ),
    Bug(
        "sign a list that does not verify unasked",
        (Edit("present_list", "not verdict.is_valid or mismatch", "False"),),
        f"{FAULTS}/test_lists.py",
        "does_not_verify_needs",
    ),
    Bug(
        "let the time go back",
        (
            Edit(
                "next_timestamp",
                "max(now, last.timestamp + 1) if last else now",
                "now",
            ),
        ),
        "tests/services",
        "clock or time or later",
    ),
    Bug(
        "only the last served list counts",
        (
            Edit(
                "History.binding",
                "[kept for kept in self.entries if kept.is_binding]",
                "self.entries[:1]",
            ),
        ),
        "tests/services",
        "nobody_is_lost_without_a_question",
    ),
    Bug(
        "a kept list's age is the difference of two clock readings",
        (
            Edit(
                "History._clock",
                "mark + min(max(now - latest, 0), LONGEST_GAP)",
                "now",
            ),
        ),
        "tests/services",
        "clock_jumped",
    ),
    Bug(
        "an earlier key is a third security token",
        (
            Edit(
                "signed_by_another",
                "[*spelled_as_held(first, held), *rest]",
                "[*spelled_as_held(first, held), records[0], *rest]",
            ),
        ),
        "tests/services",
        "nobody_is_lost_without_a_question",
    ),
    Bug(
        "call a node that was not reached updated",
        (
            Edit(
                "JobRunner.install",
                "NodeOutcome(node.name, State.PENDING, staged.problem)",
                "NodeOutcome(node.name, State.UPDATED, staged.problem)",
            ),
        ),
        f"{FAULTS}/test_network.py",
        "f10_a_node_that_is_down",
    ),
    Bug(
        "say that a backup was made before it was",
        (
            Edit(
                "send_file",
                "site.backends.open_backup(server, site.known_hosts, accept)",
                "(remember(site.home, BACKUP, {'sha256': "
                "hashlib.sha256(site.home.read(RECOVERY_FILE)).hexdigest(), "
                "'at': '2026-01-01T00:00:00+00:00'}), "
                "site.backends.open_backup(server, site.known_hosts, accept))[1]",
            ),
        ),
        f"{FAULTS}/test_logins.py",
        "f04_a_backup_that_is_cut",
    ),
    Bug(
        "take a name of which nothing is known for a free one",
        (
            Edit(
                "FileTransfer._standing",
                "look.is_missing and own.about is not None",
                "look.is_missing",
            ),
        ),
        REMOTE,
        "works_each_time",
    ),
    Bug(
        "call a backup proven that nobody could read",
        (Edit("send_file", "not sent.why_unproven", "True"),),
        "tests/services",
        "not_read_back",
    ),
    Bug(
        "a login does not look at its ground",
        (
            Edit(
                "serve",
                'require_isolation(settings, program, os.environ.get("USER", ""))',
                "None",
            ),
        ),
        LOGIN,
        "ground_that_others",
    ),
    Bug(
        "a login keeps the client's environment",
        (Edit("clean", "environment.clear()", "None"),),
        LOGIN,
        "cleaned_environment",
    ),
    Bug(
        "the drop-in forgets the agent",
        # A setting that it holds anyway stands there twice then.
        (Edit("REQUIRED", '"AllowAgentForwarding"', '"AllowTcpForwarding"'),),
        LOGIN,
        "doctor_names_every_setting",
    ),
)


class Copy:
    """A copy of the tree with an environment of its own."""

    def __init__(self, folder: Path) -> None:
        self._tree = folder / "tree"
        self._tree.mkdir()
        for name in COPIED:
            _copy(ROOT / name, self._tree / name)
        environment = folder / "environment"
        words = [sys.executable, "-m", "venv", "--without-pip", str(environment)]
        subprocess.run(words, check=True)
        self._python = environment / "bin" / "python"
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        self._packages = environment / "lib" / version / "site-packages"
        # Everything else is that of the environment that runs this. It lies beside
        # ours, since the rig of logins shows a login this folder alone.
        for other in Path(sysconfig.get_paths()["purelib"]).iterdir():
            if other.name not in PRODUCT:
                _link(other, self._packages / other.name)
        self._install()

    def failure(self, bug: Bug) -> str:
        """What the bug's test says on the copy as it is now; empty if it passes.

        Raises:
            RuntimeError: pytest did not run any test.
        """
        words = [str(self._python), "-m", "pytest", "-x", "-q", "--no-header"]
        words += ["-p", "no:cacheprovider", "-p", "no:hypothesispytest"]
        words += [bug.file, "-k", bug.words]
        done = subprocess.run(
            words,
            cwd=self._tree,
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_SECONDS,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        )
        if done.returncode not in (0, 1):
            raise RuntimeError(f"{bug.name}: {done.stdout}{done.stderr}")
        return done.stdout[-SHOWN:] if done.returncode else ""

    def put_in(self, bug: Bug) -> None:
        """Apply the bug.

        Raises:
            NotFoundOnceError: what an edit describes is not there, or not once.
        """
        for edit in bug.edits:
            path = find_file(edit, product(self._tree))
            path.write_text(edited(path.read_text(), edit))
        self._install()

    def take_out(self) -> None:
        for name in PRODUCT:
            shutil.rmtree(self._tree / name)
            _copy(ROOT / name, self._tree / name)
        self._install()

    def _install(self) -> None:
        for name in PRODUCT:
            shutil.rmtree(self._packages / name, ignore_errors=True)
            _copy(self._tree / name, self._packages / name)
            # As pip does: a test that looks at system calls wants none of these.
            words = [str(self._python), "-m", "compileall", "-q"]
            subprocess.run([*words, str(self._packages / name)], check=True)


def product(tree: Path) -> list[Path]:
    """The product's modules below a folder."""
    return [path for name in PRODUCT for path in sorted((tree / name).rglob("*.py"))]


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)


def _link(source: Path, target: Path) -> None:
    """As ``_copy``, without the bytes where that can be: nothing writes to them."""

    def link(one: str, other: str) -> None:
        try:
            os.link(one, other)
        except OSError:  # another file system
            shutil.copy2(one, other)

    if source.is_dir():
        shutil.copytree(source, target, copy_function=link)
    else:
        link(str(source), str(target))


def judge(copy: Copy, bug: Bug) -> str:
    """``caught``, ``MISSED``, or why neither can be said."""
    try:
        if said := copy.failure(bug):
            return f"INVALID: it fails without the bug:\n{said}\n"
        copy.put_in(bug)
        try:
            return "caught" if copy.failure(bug) else "MISSED"
        finally:
            copy.take_out()
    except (RuntimeError, NotFoundOnceError, subprocess.TimeoutExpired) as problem:
        return f"INVALID: {problem}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.seeded_bugs")
    parser.add_argument("names", nargs="*", help=", ".join(bug.name for bug in BUGS))
    names = parser.parse_args().names
    chosen = [bug for bug in BUGS if not names or bug.name in names]
    started = time.monotonic()
    caught = 0
    with tempfile.TemporaryDirectory(prefix="cucmsh-bugs-") as folder:
        os.chmod(folder, 0o755)
        copy = Copy(Path(folder))
        for bug in chosen:
            verdict = judge(copy, bug)
            caught += verdict == "caught"
            print(f"{verdict:8} {bug.name}  ({bug.file} -k {bug.words!r})", flush=True)
    passed = time.monotonic() - started
    print(f"{caught} of {len(chosen)} seeded bugs caught, {passed:.0f} s")
    return int(caught < len(chosen) or not chosen)


if __name__ == "__main__":
    exit_with(main)
