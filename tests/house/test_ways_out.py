"""Nothing reaches a terminal, a log or another program but through its one door.

Judged by the syntax trees of the whole product, commands of the built-in pack included.
"""

import ast

import pytest

from tests.house.product import places

pytestmark = pytest.mark.thorough

# Who writes to a descriptor, and what it is; everything else goes through Screen.
WRITERS = {
    "cucmsh/shell/screen.py": "the one output function",
    "cucmsh/storage/local.py": "files of a store",
    "cucmsh/storage/log_line.py": "lines of a log",
    "cucmsh/storage/lock.py": "the note that names a lock's holder",
    "cucmsh/remote/known_hosts.py": "the file of known hosts",
    "cucmsh/services/records/metrics_file.py": "the counts that Prometheus reads",
    "cucmsh/lab/command.py": "the lab's own pipe",
    "cucmsh/lab/ssh_session.py": "the lab's SSH server: bytes for its process",
    "cucmsh/lab/sftp_files.py": "the lab's SFTP server: a file of its folder",
    "cucmsh/lab/ssh_server.py": "the lab's host key",
}
# Programs of their own, whose parent reads what they write.
STREAMS = {
    "cucmsh/__main__.py": "closes both",
    "cucmsh/pki/sandbox_worker.py": "its answer goes to the process that started it",
    "cucmsh/storage/search_worker.py": "its answer, too",
    "cucmsh/lab/phones/tell.py": "its complaint, too",
    "cucmsh/lab/control.py": "its complaint goes to the process that started it",
}
# Raw sending is for what was made visible before, and for an editor's own bytes.
SENDERS = {
    "cucmsh/shell/screen.py",
    "cucmsh/shell/reader.py",
    "cucmsh/shell/session.py",
    "cucmsh/shell/editor.py",
    "cucmsh/shell/pager.py",
    "cucmsh/shell/terminal_dialog.py",
}
SCREENS = {"screen", "_screen"}


def dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def test_nothing_prints() -> None:
    for _, node, where in places():
        if isinstance(node, ast.Call):
            assert dotted(node.func) not in ("print", "input", "breakpoint"), where


def test_standard_streams_are_nobodys() -> None:
    for name, node, where in places():
        if isinstance(node, ast.Attribute) and name not in STREAMS:
            streams = ("stdout", "stderr", "__stdout__", "__stderr__", "displayhook")
            assert dotted(node) not in {f"sys.{stream}" for stream in streams}, where


def test_descriptors_are_written_to_by_few() -> None:
    calls = ("write", "writev", "pwrite", "pwritev", "dup2", "sendfile", "fdopen")
    for name, node, where in places():
        if isinstance(node, ast.Call) and name not in WRITERS:
            called = dotted(node.func).removeprefix("os.")
            wraps = called == "fdopen" and name == "cucmsh/shell/editor.py"  # to read
            reads = called == "fdopen" and name == "cucmsh/tftp/server.py"
            is_os = dotted(node.func).startswith("os.")
            assert not is_os or called not in calls or wraps or reads, where


def test_raw_bytes_go_to_the_screen_from_the_shell_only() -> None:
    for name, node, where in places():
        if isinstance(node, ast.Attribute) and node.attr == "send":
            is_screen = dotted(node.value).rpartition(".")[2] in SCREENS
            assert not is_screen or name in SENDERS, where


@pytest.mark.parametrize("module", ["logging", "traceback", "warnings", "syslog"])
def test_nothing_reports_behind_our_back(module: str) -> None:
    # The doors of paramiko silence its logger.
    silencers = {"cucmsh/remote/ssh/transport.py"}
    # cryptography tells by a warning that a key file is BER, a serial number negative
    # or a key exchange old, ssl that a version of TLS is: it is caught there.
    catchers = {"cucmsh/pki/pkcs12.py", "cucmsh/pki/certificates.py"}
    catchers |= {"cucmsh/lab/ssh_server.py", "cucmsh/tvs/contexts.py"}
    allowed = {"logging": silencers, "warnings": catchers}.get(module, set())
    for name, node, where in places():
        if isinstance(node, ast.Import) and name not in allowed:
            assert module not in {alias.name for alias in node.names}, where
        if isinstance(node, ast.ImportFrom):
            assert node.module != module, where


# What starts a program or runs text as code. `importlib.import_module` is the loader's.
STARTERS = {
    *("eval", "exec", "compile", "__import__", "os.system", "os.popen"),
    *(f"os.exec{ending}" for ending in ("l", "le", "lp", "v", "ve", "vp", "vpe")),
    *(f"os.spawn{ending}" for ending in ("l", "le", "lp", "v", "ve", "vp", "vpe")),
    *("os.posix_spawn", "os.posix_spawnp", "os.fork", "os.forkpty", "pty.spawn"),
    *("pty.fork", "os.startfile", "runpy.run_path", "runpy.run_module"),
    *("subprocess.run", "subprocess.Popen", "subprocess.call", "pickle.loads"),
    *("subprocess.check_call", "subprocess.check_output", "subprocess.getoutput"),
    *("importlib.import_module", "marshal.loads", "asyncio.create_subprocess_exec"),
    *("asyncio.create_subprocess_shell", "ctypes.CDLL"),
}
# Each with the words that it may start; `shell=` is nowhere.
MAY_START = {
    ("cucmsh/remote/process.py", "subprocess.Popen"): "list(words)",
    ("cucmsh/lab/command.py", "subprocess.Popen"): "argv",
    ("cucmsh/lab/monitor.py", "subprocess.run"): "argv",
    ("cucmsh/lab/service.py", "subprocess.run"): "argv",
    ("cucmsh/lab/terminal.py", "os.posix_spawn"): "argv[0]",
    ("cucmsh/shell/packs.py", "importlib.import_module"): "module",
    # For other people's tests; no node runs it.
    ("cucmsh/testing/cluster.py", "subprocess.Popen"): "words",
    ("cucmsh/testing/cluster.py", "subprocess.run"): "[*words, '-c', line, '--json']",
    ("cucmsh/pki/sandbox_worker.py", "ctypes.CDLL"): "None",
}
# Who hands words to `remote/process.py` or to another node, and where they are from:
# the configuration, or literals with values that were checked (no text of a line).
MAY_RUN = {
    (
        "cucmsh/services/nodes/own_services.py",
        "argv",
    ): "service_commands of the configuration",
    ("cucmsh/services/nodes/service_status.py", "command"): "configuration",
    (
        "cucmsh/services/phones/reset_way.py",
        "filled(words, values)",
    ): "configuration; what is put into an argument stays one",
    (
        "cucmsh/services/lists/node_update.py",
        "node.service_commands.restart",
    ): "configuration",
    (
        "cucmsh/services/lists/member_hooks.py",
        "(*node.program, 'hook', *argv)",
    ): "both",
    (
        "cucmsh/services/nodes/confine.py",
        "(*node.program, 'hook', 'describe')",
    ): "init",
    # Whether anything at all is run there, with a word made up here.
    ("cucmsh/services/nodes/confine.py", "('echo', token)"): "literal",
    ("cucmsh/services/nodes/check_way.py", "('echo', token)"): "literal",
    ("cucmsh/services/nodes/check_way.py", "('ls', '-ld', path)"): "configuration",
    (
        "cucmsh/services/nodes/check_way.py",
        "('sudo', '-n', '-l', *words)",
    ): "init",
    ("cucmsh/pki/sandbox.py", "opener"): "OPENER",
    (
        "cucmsh/services/nodes/health/start.py",
        "['systemctl', 'show', SHOWN, unit]",
    ): "configuration",
    (
        "cucmsh/services/nodes/health/units.py",
        "['systemctl', 'show', SHOWN, unit]",
    ): "words of the program",
}


def test_programs_are_started_from_few_places_with_fixed_words() -> None:
    for name, node, where in places():
        if not isinstance(node, ast.Call):
            continue
        called = dotted(node.func)
        if called in STARTERS:
            wanted = MAY_START.get((name, called))
            assert wanted is not None, f"{where}: {called}"
            assert ast.unparse(node.args[0]) == wanted, f"{where}: {called}"
            assert not any(keyword.arg == "shell" for keyword in node.keywords), where


def test_words_that_are_run_come_from_the_configuration_or_the_program() -> None:
    for name, node, where in places():
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        owner = ast.unparse(node.func.value)
        is_run = node.func.attr in ("run", "start", "feed")
        runs = is_run and ("runner()" in owner or owner == "link")
        if runs and name.startswith(("cucmsh/services/", "cucmsh/cli/", "commands/")):
            assert (name, ast.unparse(node.args[0])) in MAY_RUN, where
        assert not name.startswith("commands/") or not runs, where
    # The opener is the one program that is fed, and its words are the default.
    for name, node, where in places():
        is_pki = name.startswith("cucmsh/pki/")
        if is_pki and isinstance(node, ast.Call) and dotted(node.func) == "feed":
            assert (name, ast.unparse(node.args[0])) in MAY_RUN, where
        if isinstance(node, ast.Call) and dotted(node.func) == "open_in_sandbox":
            assert len(node.args) == 3, where
            assert not node.keywords, where


def test_nodes_are_logged_in_to_from_one_place() -> None:
    """So ``KeylessSite``, which opens no way, cannot be gone past."""
    doors = {
        name
        for name, node, _ in places()
        if isinstance(node, ast.Attribute)
        and node.attr == "open_node"
        and name.startswith(("cucmsh/services/", "cucmsh/cli/", "commands/"))
    }
    assert doors == {"cucmsh/services/site.py"}


def test_no_command_of_the_pack_can_reach_a_program() -> None:
    doors = {"runner", "open_node", "open_link", "link_to", "run", "feed"}
    for name, node, where in places():
        if name.startswith("commands/") and isinstance(node, ast.Attribute):
            assert node.attr not in doors, where
