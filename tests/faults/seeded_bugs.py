"""Puts bugs into a copy of the program and asks whether the named tests notice (G18).

    python -m tests.faults.seeded_bugs            all of them
    python -m tests.faults.seeded_bugs NAME...    these

Each bug is a few lines of source that are replaced by others in a copy of the tree; the
copy has an environment of its own, so that the programs that tests start have the bug
too. A bug whose test passes was missed. Bugs are found by their text: where it is no
longer there, or is there twice, this fails and says so. Exits 1 if a bug was missed.
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

ROOT = Path(__file__).parents[2]
COPIED = ("cucmsh", "commands", "tests", "pyproject.toml")
PRODUCT = ("cucmsh", "commands")
TIMEOUT_SECONDS = 300

LOCAL, UPLOAD = "cucmsh/storage/local.py", "cucmsh/remote/sftp/upload.py"
TEMPORARY = "cucmsh/storage/temporary.py"
INSTALL, NODE_UPDATE, REPLICA_UPDATE = (
    "cucmsh/services/lists/install.py",
    "cucmsh/services/lists/node_update.py",
    "cucmsh/services/lists/replica_update.py",
)
DISTRIBUTE, KEYSTORE = (
    "cucmsh/services/lists/distribution.py",
    "cucmsh/services/certificates/keystore.py",
)
# The words find the test, wherever in its folder it moves.
STORAGE, REMOTE = "tests/storage", "tests/remote"
FAULTS = "tests/faults"


class Edit(NamedTuple):
    """In which file which text becomes which other."""

    file: str
    old: str
    new: str


class Bug(NamedTuple):
    """A bug, and the test that must notice: a file and words for ``pytest -k``."""

    name: str
    edits: tuple[Edit, ...]
    file: str
    words: str


BUGS = (
    Bug(
        "drop the sync of the file",
        (Edit(LOCAL, "                os.fsync(descriptor)\n", ""),),
        f"{FAULTS}/test_order.py",
        "f02_nothing_is_renamed",
    ),
    Bug(
        "drop the sync of the folder",
        (
            Edit(
                LOCAL,
                "            os.fsync(folder)\n        self._let_go",
                "        self._let_go",
            ),
        ),
        f"{FAULTS}/test_order.py",
        "f02_nothing_is_renamed",
    ),
    Bug(
        "rename before the sync",
        (
            Edit(LOCAL, "                os.fsync(descriptor)\n", ""),
            Edit(
                LOCAL,
                "            os.fsync(folder)\n        self._let_go",
                "            os.fsync(self._staged[temporary])\n"
                "            os.fsync(folder)\n        self._let_go",
            ),
        ),
        STORAGE,
        "everything_is_synced",
    ),
    Bug(
        "ignore a short write",
        (
            Edit(
                LOCAL,
                "        view = view[os.write(descriptor, view) :]",
                "        os.write(descriptor, view)\n        return",
            ),
        ),
        STORAGE,
        "short_writes",
    ),
    Bug(
        "ignore a short write and skip the read-back",
        (
            Edit(
                LOCAL,
                "        view = view[os.write(descriptor, view) :]",
                "        os.write(descriptor, view)\n        return",
            ),
            Edit(
                LOCAL, "        if _read_all(descriptor) != raw:", "        if False:"
            ),
        ),
        f"{FAULTS}/test_disks.py",
        "f07_a_publisher_whose_tftp_disk and short",
    ),
    Bug(
        "skip the read-back of what was written",
        (Edit(LOCAL, "        if _read_all(descriptor) != raw:", "        if False:"),),
        STORAGE,
        "gives_back_other_bytes",
    ),
    Bug(
        "write in place",
        (
            Edit(
                LOCAL,
                "        write_in_halves(self, name, raw, mode)\n\n    def stage",
                "        with self._folder(name, make=True) as (folder, last):\n"
                "            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC\n"
                "            opened = os.open(last, flags, mode, dir_fd=folder)\n"
                "            _write_all(opened, raw)\n"
                "            os.close(opened)\n\n    def stage",
            ),
        ),
        f"{FAULTS}/test_disks.py",
        "f07_a_publisher_whose_tftp_disk",
    ),
    Bug(
        "set the mode late",
        (
            Edit(
                TEMPORARY,
                "os.open(at, WRITE_FLAGS, 0o600, ",
                "os.open(at, WRITE_FLAGS, 0o666, ",
            ),
        ),
        f"{FAULTS}/test_secrets.py",
        "not_even_for_a_moment",
    ),
    Bug(
        "leave the mode to the umask",
        (Edit(LOCAL, "                os.fchmod(descriptor, mode)\n", ""),),
        STORAGE,
        "whatever_the_umask",
    ),
    Bug(
        "ignore what the server says about its sync",
        (Edit(UPLOAD, "        synced.check_unless_barred()\n", ""),),
        f"{FAULTS}/test_disks.py",
        "f08_a_node_whose_disk_does_not_sync",
    ),
    Bug(
        "upload without reading back",
        (
            Edit(
                UPLOAD,
                "        if back != raw and self._read_again(",
                "        if False and self._read_again(",
            ),
        ),
        REMOTE,
        "fault_of_the_server",
    ),
    Bug(
        "believe in the handle that was foreseen",
        (
            Edit(
                "cucmsh/remote/sftp/read.py",
                "    if not rest or handle != spare:",
                "    if not rest:",
            ),
        ),
        REMOTE,
        "handle_of_another_file",
    ),
    Bug(
        "skip the host key check",
        (
            Edit(
                "cucmsh/remote/ssh/client.py",
                "        if shown != pinned:",
                "        if False:",
            ),
        ),
        f"{FAULTS}/test_network.py",
        "f11_whatever_the_name_leads_to",
    ),
    Bug(
        "skip the TFTP proof of the publisher",
        (
            Edit(
                INSTALL,
                "    unserved = why_unserved(site, site.node.tftp, raw)\n",
                '    unserved = ""\n',
            ),
        ),
        "tests/services/lists/test_reset.py",
        "lying_tftp",
    ),
    Bug(
        "skip the TFTP proof of a node",
        (
            Edit(
                NODE_UPDATE,
                "                unserved = begun[-1].why_unserved()\n",
                '                unserved = ""\n',
            ),
        ),
        f"{FAULTS}/test_services.py",
        "serves_something_else",
    ),
    Bug(
        "forget the keep mark",
        (Edit(INSTALL, "        set_keep_mark(site.home, sha256)\n", ""),),
        f"{FAULTS}/test_order.py",
        "rule_4",
    ),
    Bug(
        "set the keep mark after the rename",
        (
            Edit(INSTALL, "        set_keep_mark(site.home, sha256)\n", ""),
            Edit(
                INSTALL,
                "        directory.write(LIST_FILE, raw, SERVED_MODE)\n",
                "        directory.write(LIST_FILE, raw, SERVED_MODE)\n"
                "        set_keep_mark(site.home, sha256)\n",
            ),
        ),
        f"{FAULTS}/test_order.py",
        "rule_4",
    ),
    Bug(
        "drop the compare-and-swap on the publisher",
        (
            Edit(
                INSTALL,
                "        refuse_unless_expected(site.node, served, "
                "(expected, sha256))\n",
                "",
            ),
        ),
        "tests/services",
        "changed or meanwhile or looked_at",
    ),
    Bug(
        "drop the compare-and-swap on a node",
        (
            Edit(
                REPLICA_UPDATE,
                "        refuse_unless_expected(self._node, _sha256_or_none(there), "
                "expected)\n",
                "",
            ),
        ),
        f"{FAULTS}/test_network.py",
        "looks_again",
    ),
    Bug(
        "write the journal after the fact",
        (Edit(DISTRIBUTE, "    open_reset(site, journal)\n", ""),),
        f"{FAULTS}/test_order.py",
        "named_at_the_next_login or f02_nothing",
    ),
    Bug(
        "install the fetched key after the list",
        (
            Edit(
                DISTRIBUTE,
                "        if plan.key_file:\n            Keystore(site).install",
                "        if False:\n            Keystore(site).install",
            ),
            Edit(
                DISTRIBUTE,
                "    report = Report(",
                "    if plan.key_file:\n"
                "        keys = Keystore(site)\n"
                "        keys.install_recovery(plan.key_file, plan.recovery)\n"
                "    report = Report(",
            ),
        ),
        "tests/services/lists/test_reset.py",
        "key_file_is_on_disk_before_any_list",
    ),
    Bug(
        "let a person end it behind the new key",
        (
            Edit(
                DISTRIBUTE,
                "            if not plan.key_file:\n                self._progress(",
                "            if True:\n                self._progress(",
            ),
            Edit(
                DISTRIBUTE,
                "        _require_as_planned(plan, located, site)\n        progress(",
                "        _require_as_planned(plan, located, site)\n        (",
            ),
        ),
        "tests/services/lists/test_cancelled_reset.py",
        "nothing_at_all_is_changed",
    ),
    Bug(
        "keep no earlier key file",
        (
            Edit(
                KEYSTORE,
                "        if present != raw:\n            self._keep_earlier(",
                "        if False:\n            self._keep_earlier(",
            ),
        ),
        f"{FAULTS}/test_key_files.py",
        "replaces_the_record and 2048",
    ),
    Bug(
        "log the password",
        (
            Edit(
                "cucmsh/services/lists/run_reset.py",
                "    Keystore(site).check_ccm_password(dialog.ccm_password())\n",
                "    password = dialog.ccm_password()\n"
                "    Keystore(site).check_ccm_password(password)\n"
                '    site.home.append("log/audit", f"checked {password.reveal()}")\n',
            ),
        ),
        f"{FAULTS}/test_secrets.py",
        "in_any_argv_environment_or_file",
    ),
    Bug(
        "hand the password to a program",
        (
            Edit(
                "cucmsh/services/lists/run_reset.py",
                "    Keystore(site).check_ccm_password(dialog.ccm_password())\n",
                "    password = dialog.ccm_password()\n"
                "    Keystore(site).check_ccm_password(password)\n"
                '    site.doors.runner().run(("/bin/true", password.reveal()))\n',
            ),
        ),
        f"{FAULTS}/test_secrets.py",
        "in_any_argv_environment_or_file",
    ),
    Bug(
        "allow a line break in a command",
        (
            Edit(
                "cucmsh/shell/grammar.py",
                "        if not line.isprintable():",
                "        if False:",
            ),
        ),
        "tests/shell/test_grammar.py",
        "cannot_be_shown_is_refused",
    ),
    Bug(
        "take no lock",
        (
            Edit(
                "cucmsh/services/lists/run_reset.py",
                "    with site.cluster_lock(what), Fleet(site) as fleet:",
                "    with Fleet(site) as fleet:",
            ),
        ),
        f"{FAULTS}/test_admins.py",
        "second_reset",
    ),
    Bug(
        "sweep nothing",
        (
            Edit(
                "cucmsh/services/sweep.py", "        site.tftp.sweep()", "        pass"
            ),
        ),
        f"{FAULTS}/test_recovery.py",
        "stale_file_of_ours",
    ),
    Bug(
        "sweep nothing on a node",
        (Edit(REPLICA_UPDATE, "store.stage_swept(", "store.stage("),),
        f"{FAULTS}/test_recovery.py",
        "stale_file_of_ours and node",
    ),
    Bug(
        "sweep nothing in a hook",
        (Edit(INSTALL, "    sweep(site)  #", "    #"),),
        f"{FAULTS}/test_members.py",
        "f24",
    ),
    Bug(
        "say nothing about who is pending",
        (
            Edit(
                "cucmsh/services/records/journal.py",
                "    if journal.pending:\n",
                "    if False:\n",
            ),
        ),
        f"{FAULTS}/test_recovery.py",
        "f23_the_next_login",
    ),
    Bug(
        "sign a list that does not verify unasked",
        (
            Edit(
                "cucmsh/services/lists/base_list.py",
                "    if not verdict.is_valid or mismatch:",
                "    if False:",
            ),
        ),
        f"{FAULTS}/test_lists.py",
        "does_not_verify_needs",
    ),
    Bug(
        "let the time go back",
        (
            Edit(
                "cucmsh/services/lists/compose.py",
                "    return max(now, last.timestamp + 1) if last else now",
                "    return now",
            ),
        ),
        "tests/services",
        "clock or time or later",
    ),
    Bug(
        "only the last served list counts",
        (
            Edit(
                "cucmsh/services/records/history.py",
                "[kept for kept in self.entries if not kept.is_released]",
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
                "cucmsh/services/records/history.py",
                "        return mark + min(max(now - latest, 0), LONGEST_GAP)",
                "        return now",
            ),
        ),
        "tests/services",
        "clock_jumped",
    ),
    Bug(
        "an earlier key is a third security token",
        (
            Edit(
                "cucmsh/services/lists/compose.py",
                "[first, *records[1:]]",
                "[first, *records]",
            ),
        ),
        "tests/services",
        "nobody_is_lost_without_a_question",
    ),
    Bug(
        "call a node that was not reached updated",
        (
            Edit(
                NODE_UPDATE,
                "State.PENDING, staged.problem)",
                "State.UPDATED, staged.problem)",
            ),
        ),
        f"{FAULTS}/test_network.py",
        "f10_a_node_that_is_down",
    ),
    Bug(
        "say that a backup was made before it was",
        (
            Edit(
                "cucmsh/services/files.py",
                "    link = site.doors.open_backup(server, site.known_hosts, accept)\n"
                "    try:\n        sent =",
                '    when = "2026-01-01T00:00:00+00:00"\n'
                "    saved = sha256_of(site.home.read(RECOVERY_FILE))\n"
                '    remember(site.home, "backup", {"sha256": saved, "at": when})\n'
                "    link = site.doors.open_backup(server, site.known_hosts, accept)\n"
                "    try:\n        sent =",
            ),
        ),
        f"{FAULTS}/test_logins.py",
        "f04_a_backup_that_is_cut",
    ),
    Bug(
        "take a name of which nothing is known for a free one",
        (
            Edit(
                "cucmsh/remote/sftp/deposit.py",
                "        if look.is_missing and own.about is not None:\n",
                "        if look.is_missing:\n",
            ),
        ),
        "tests/remote/test_sftp_other_makes.py",
        "works_each_time",
    ),
    Bug(
        "call a backup proven that nobody could read",
        (
            Edit(
                "cucmsh/services/files.py",
                "    if path == RECOVERY_NAME and not sent.why_unproven:\n",
                "    if path == RECOVERY_NAME:\n",
            ),
        ),
        "tests/services/test_files.py",
        "not_read_back",
    ),
    Bug(
        "a login does not look at its ground",
        (
            Edit(
                "cucmsh/cli/login/serve.py",
                "    require_isolation(settings, program, os.environ",
                "    repr((settings, program) and os.environ",
            ),
        ),
        "tests/cli/login",
        "ground_that_others",
    ),
    Bug(
        "a login keeps the client's environment",
        (Edit("cucmsh/cli/login/environment.py", "    environment.clear()\n", ""),),
        "tests/cli/login",
        "cleaned_environment",
    ),
    Bug(
        "the drop-in forgets the agent",
        (
            Edit(
                "cucmsh/services/nodes/health/logins.py",
                '    "AllowAgentForwarding": "no",\n',
                "",
            ),
        ),
        "tests/cli/login",
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
        # Everything else comes from the environment that runs this, after ours.
        others = sysconfig.get_paths()["purelib"]
        (self._packages / "others.pth").write_text(f"{others}\n")
        self._install()

    def passes(self, bug: Bug) -> bool:
        """Whether the bug's test passes on the copy as it is now.

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
        return done.returncode == 0

    def put_in(self, bug: Bug) -> None:
        """Apply the bug.

        Raises:
            RuntimeError: a text is not there, or not once.
        """
        for edit in bug.edits:
            path = self._tree / edit.file
            text = path.read_text()
            if text.count(edit.old) != 1:
                raise RuntimeError(
                    f"{bug.name}: {edit.file} has {text.count(edit.old)} times "
                    f"{edit.old!r}; the bug needs a new text"
                )
            path.write_text(text.replace(edit.old, edit.new))
        self._install()

    def take_out(self, bug: Bug) -> None:
        for edit in bug.edits:
            shutil.copy(ROOT / edit.file, self._tree / edit.file)
        self._install()

    def _install(self) -> None:
        for name in PRODUCT:
            shutil.rmtree(self._packages / name, ignore_errors=True)
            _copy(self._tree / name, self._packages / name)
            # As pip does: a test that looks at system calls wants none of these.
            words = [str(self._python), "-m", "compileall", "-q"]
            subprocess.run([*words, str(self._packages / name)], check=True)


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)


def judge(copy: Copy, bug: Bug) -> str:
    """``caught``, ``MISSED``, or why neither can be said."""
    try:
        if not copy.passes(bug):
            return f"INVALID: {bug.file} -k {bug.words!r} fails without the bug"
        copy.put_in(bug)
        try:
            return "MISSED" if copy.passes(bug) else "caught"
        finally:
            copy.take_out(bug)
    except (RuntimeError, subprocess.TimeoutExpired) as problem:
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
    sys.exit(main())
