"""What people have tried, and would try, to get out of the shell: a table, not code.

Each attack has an identifier, so that a failure can be named and repeated. ``CANARY``
stands for a program that would leave a mark if it were ever run; the oracle looks for
that and for everything else.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import NamedTuple

CANARY = "/tmp/cucmsh-canary"


class Attack(NamedTuple):
    """One line, or what is meant to become one, as bytes of a keyboard or a client."""

    name: str
    line: bytes


# The ways in which data became a program elsewhere (T1).
SHELL = {
    "semicolon": "; {0}",
    "and": "&& {0}",
    "or": "|| {0}",
    "pipe": "| {0}",
    "background": "& {0}",
    "backtick": "`{0}`",
    "dollar-parenthesis": "$({0})",
    "dollar-brace": "${{IFS}}{0}",
    "redirect-out": "> /tmp/cucmsh-owned",
    "redirect-in": "< /etc/shadow",
    "here-document": "<<END {0}",
    "process-substitution": "<({0})",
    "double-quote": '"; {0}; "',
    "single-quote": "'; {0}; '",
    "backslash": "\\; {0}",
    "brace": "{{{0},}}",
    "glob": "/???/??t*",
    "tilde": "~root",
    "history": "!!",
    "subshell": "({0})",
    "function": "() {{ :;}}; {0}",
    "if": "if true; then {0}; fi",
    "eval": "eval {0}",
    "exec": "exec {0}",
    "percent": "%3B{0}",
    "format": "%s%s%n%n%n",
    "python-format": "{{0.__class__.__mro__}}",
    "python-call": "__import__('os').system('{0}')",
    "template": "{{{{7*7}}}}${{7*7}}#{{7*7}}",
    "comment": "# {0}",
}
# Where in a line they are put. ``{0}`` is the attack.
CARRIERS = {
    "bare": "{0}",
    "after-show": "show itl {0}",
    "glued": "show itl{0}",
    "in-file": "file list tftp {0}",
    "in-host": "utils itl reset remotekey 127.0.0.1{0} u /p",
}
TRAVERSALS = {
    "up": "../../../../etc/shadow",
    "absolute": "/etc/shadow",
    "up-inside": "Desktops/../../../../etc/shadow",
    "dots": "....//....//etc/shadow",
    "percent": "%2e%2e%2fetc%2fshadow",
    "double-percent": "%252e%252e%252fetc%252fshadow",
    "overlong-utf8": "..\udcc0\udcaf..\udcc0\udcafetc/shadow",
    "fullwidth": "\uff0e\uff0e\uff0f\uff0e\uff0e\uff0fetc\uff0fshadow",
    "backslash": "..\\..\\..\\etc\\shadow",
    "proc-root": "/proc/self/root/etc/shadow",
    "proc-mem": "/proc/self/mem",
    "proc-environ": "/proc/self/environ",
    "device": "/dev/mem",
    "fd": "/dev/fd/0",
    "slashes": "//etc//shadow",
    "dot": "./../home/security/secrets/cluster",
    "key": "../home/security/CallManager/private.pem",
    "nul-suffix": "ITLFile.tlv\x00.txt",
    "space-suffix": "ITLFile.tlv /etc/shadow",
    "star": "*" * 200,
    "brackets": "[" * 100 + "!-~" + "]" * 100,
    "home": "~/.ssh/id_rsa",
    "variable": "$HOME/.ssh/id_rsa",
    "url": "file:///etc/shadow",
    "scp": "root@127.0.0.1:/etc/shadow",
}
FILE_COMMANDS = {
    "get": "file get tftp {0}",
    "list": "file list tftp {0}",
    "view": "file view tftp {0}",
    "log": "file view activelog {0}",
}
OPTIONS = {
    "help": "--help",
    "version": "--version",
    "proxy-command": f"-oProxyCommand={CANARY}",
    "config": "--config=/etc/shadow",
    "config-split": "--config /etc/shadow",
    "command": f"-c {CANARY}",
    "dash": "-",
    "dashes": "--",
    "at-file": "@/etc/shadow",
    "shell": "-S/bin/sh",
    "rsh": f"--rsh={CANARY}",
    "pager": f"-P{CANARY}",
    "unicode-dash": "\u2010\u2010help",
    "json": "--json",
    "equals": "a=b",
}
OPTION_CARRIERS = {
    "first": "{0}",
    "service": "utils service restart {0}",
    "file": "file get tftp {0}",
    "help": "help {0}",
}
HOSTS = {
    "proxy-command": f"-oProxyCommand={CANARY}:22",
    "proxy-command-percent": f"%(ProxyCommand={CANARY})",
    "user-at": "root@127.0.0.1",
    "command": f"127.0.0.1;{CANARY}",
    "substitution": f"$({CANARY})",
    "zone": "fe80::1%eth0",
    "zone-command": f"fe80::1%$({CANARY})",
    "brackets": "[::1",
    "brackets-more": "[::1]:1:2",
    "port-words": "127.0.0.1:22 -oX=y",
    "port-negative": "127.0.0.1:-1",
    "port-big": "127.0.0.1:99999999999999999999",
    "port-hex": "127.0.0.1:0x16",
    "port-arabic": "127.0.0.1:٢٢",
    "slash": "127.0.0.1/../..",
    "unix": "unix:/var/run/docker.sock",
    "integer": "2130706433",
    "octal": "0177.0.0.1",
    "empty-port": "127.0.0.1:",
    "quote": "'127.0.0.1'",
    "url": "ssh://127.0.0.1",
    "long": "a" * 300,
}
HOST_CARRIER = {"remotekey": "utils itl reset remotekey {0} u /p"}
STRUCTURE_CARRIERS = {
    "file": "file list tftp {0}",
    "user": "utils itl reset remotekey 127.0.0.1 {0} /p",
}
# Characters that end, hide or replace a line (T2). ``{0}`` is a second command.
CONTROLS = {
    "lf": "\n{0}",
    "cr": "\r{0}",
    "crlf": "\r\n{0}",
    "nel": "\x85{0}",
    "line-separator": "\u2028{0}",
    "paragraph-separator": "\u2029{0}",
    "nul": "\x00{0}",
    "vertical-tab": "\x0b{0}",
    "form-feed": "\x0c{0}",
    "escape": "\x1b{0}",
    "csi": "\x1b[2J{0}",
    "osc-title": "\x1b]0;{0}\x07",
    "osc-52": "\x1b]52;c;Y2F0\x07{0}",
    "dcs": "\x1bP{0}\x1b\\",
    "c1-csi": "\x9b2J{0}",
    "raw-c1": "\udc9b2J{0}",
    "bidi": "\u202e{0}",
    "zero-width": "\u200b{0}",
    "bom": "\ufeff{0}",
    "delete": "\x7f\x7f{0}",
    "backspace": "\x08\x08{0}",
    "ctrl-v-lf": "\x16\n{0}",
    "ctrl-q-lf": "\x11\n{0}",
    "ctrl-x-e": "\x18\x05{0}",
    "ctrl-z": "\x1a{0}",
    "ctrl-backslash": "\x1c{0}",
    "ctrl-o": "\x0f{0}",
    "paste": "\x1b[200~{0}\n{0}\x1b[201~",
    "paste-unended": "\x1b[200~{0}\n{0}",
    "paste-nested": "\x1b[200~\x1b[200~{0}\x1b[201~",
    "cursor-reply": "\x1b[24;80R{0}",
    "mouse": "\x1b[<0;1;1M{0}",
    "meta-bang": "\x1b!{0}",
    "utf8-broken": "\udcff\udcfe{0}",
    "utf8-surrogate": "\udced\udca0\udc80{0}",
    "tag-characters": "\U000e0041{0}",
    "combining": "e" + "\u0301" * 50 + "{0}",
}
PAGER = (
    *("!sh", "!/bin/sh", ":!sh", "|sh", "v", "s /tmp/cucmsh-owned", ":e /etc/shadow"),
    *(":r /etc/shadow", ":w /tmp/cucmsh-owned", ":shell", "&sh", "h", "E /etc/shadow"),
    *(
        "/!sh",
        "^X^E",
        ":set shell=/bin/sh",
        ":py import os",
        "Ctrl-X Ctrl-E",
        "\x18\x05",
    ),
)
PROGRAMS = (
    *("sh", "/bin/sh", "bash", "bash -i", "/bin/bash -p", "python3", "vi", "less"),
    *("scp -f /etc/shadow", "scp -t /tmp", "rsync --server --sender . /etc/shadow"),
    *("sftp-server", "/usr/lib/openssh/sftp-server", "internal-sftp", "su", "sudo -i"),
    *("git-upload-pack '--help'", "git-shell", "env", "set", "export PATH=/tmp"),
    *("cd /", "cd () bash", "ls", "cat /etc/shadow", "id", "ssh localhost", "telnet"),
    *("python -m pdb", "import os", "import pty; pty.spawn('sh')", ">>> 1", "?sh"),
    *("help ; sh", "help `sh`", "help ../../etc/shadow", "help %s", "? | sh"),
    *("run", "debug", "root", "utils os secure permissive", "utils system shell"),
    *("utils remote_account enable", "utils create report ../../x", "diag", "expert"),
    *("file view activelog ../../../etc/shadow", "file dump install ../../etc/shadow"),
    *("file edit x", "file search activelog a | sh", "file tail activelog ../x"),
    *("set cert import own tomcat/../../../etc/shadow", "set csr gen ../../tmp/x"),
    *("set cert delete ../..", "show cert own ../../secrets/cluster"),
    *("set cert regen ../../../etc", "set cert regen CallManager;id"),
    *("show cert own CallManager/../../secrets/cluster", "set password user security"),
    *("utils capf set keygen_timeout 15;sh", "utils network capture file ../../x eth0"),
)
STRUCTURED = (
    *('"] \n[node]\nname = "x', "'''\npacks = ['evil']\n'''", 'packs = ["os"]'),
    *('{"command": "sh"}', '"}, {"event": "login"', "\\u000a\\u0022", "]]>", "<!--"),
    "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/shadow'>]>",
    *(
        "\x01\x00\x04\x00\x00",
        "\x01\x00\udcff\udcff",
        "CN=a/OU=b,O=c;L=d",
        "${jndi:ldap://127.0.0.1}",
    ),
    *("' OR 1=1 --", "*)(uid=*", "pickle\x80\x04.", "c__builtin__\neval\n(S'1'\ntR."),
)
LONG = {
    "characters": "show itl " + "a" * 5000,
    "tokens": "show " * 2000,
    "blanks": " " * 4000 + "show itl",
    "question-marks": "help " + "?" * 100,
    "exactly-1024": "help " + "x" * 1019,
    "exactly-1025": "help " + "x" * 1020,
    "wide": "help " + "漢" * 1019,
    "stars": "file list tftp " + "*a" * 400,
    "dots": "file get tftp " + "../" * 300,
    "nested": "(" * 1000,
}
KEYS = {
    "tab-only": "\t\t\t",
    "tab-traversal": "file get tftp ../\t\t",
    "tab-absolute": "file get tftp /etc/\t\t",
    "tab-tilde": "file list tftp ~\t",
    "tab-variable": "show $HO\t",
    "tab-backtick": "file get tftp `\t",
    "question-value": "file get tftp ../?",
    "question-deep": "utils itl reset remotekey ? ? ?",
    "search": "\x12/bin/sh\r",
    "search-escape": "\x12\x1b!sh",
    "up-edit": "\x1b[A\x1b[A; sh",
    "yank": "sh\x15\x19",
    "transpose": "hs\x14",
    "undo": "sh\x1f\x1f",
    "alt-dot": "\x1b.sh",
    "alt-x": "\x1bxshell\r",
    "alt-percent": "\x1b%",
    "vi": "\x1b:!sh\r",
    "f-keys": "\x1bOP\x1b[15~\x1b[24~",
    "macro": "\x18(sh\r\x18)\x18e",
    "insert": "\x1b[2~sh",
    "home-end": "sh\x1b[Hcd \x1b[F",
}


def _crossed(
    kind: str, texts: dict[str, str], carriers: dict[str, str]
) -> Iterator[tuple[str, str]]:
    for (name, text), (carrier, line) in itertools.product(
        texts.items(), carriers.items()
    ):
        yield f"{kind}/{name}/{carrier}", line.format(text)


def _numbered(texts: tuple[str, ...]) -> dict[str, str]:
    return {str(number): text for number, text in enumerate(texts)}


def _attacks() -> Iterator[tuple[str, str]]:
    shell = {name: text.format(CANARY) for name, text in SHELL.items()}
    glued = {name: f"show version active{text}" for name, text in CONTROLS.items()}
    yield from _crossed("shell", shell, CARRIERS)
    yield from _crossed("path", TRAVERSALS, FILE_COMMANDS)
    yield from _crossed("option", OPTIONS, OPTION_CARRIERS)
    yield from _crossed("host", HOSTS, HOST_CARRIER)
    yield from _crossed("structure", _numbered(STRUCTURED), STRUCTURE_CARRIERS)
    for kind, texts in (
        ("pager", _numbered(PAGER)),
        ("program", _numbered(PROGRAMS)),
        ("long", LONG),
        ("keys", KEYS),
        ("control-after", {name: text.format(CANARY) for name, text in glued.items()}),
        (
            "control-before",
            {
                name: text.format("show version active")
                for name, text in CONTROLS.items()
            },
        ),
    ):
        yield from ((f"{kind}/{name}", text) for name, text in texts.items())


ATTACKS = tuple(
    Attack(name, text.encode("utf-8", "surrogateescape")) for name, text in _attacks()
)
