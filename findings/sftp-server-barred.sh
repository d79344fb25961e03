#!/usr/bin/env bash
# OpenSSH's sftp-server -P: what a barred extension is answered.
#
# Expected: an extension that is barred is one that the server does not have: it is not
#   advertised, and asked for all the same it is answered "operation unsupported" (8), as
#   an extension that nobody has heard of is.
# Seen: it is not advertised, but answered "permission denied" (3), the same as where the
#   account may not touch the file, or the file is immutable. A client that goes on
#   without fsync or posix-rename only after an 8 fails; to tell the two apart it has to
#   remember what the server advertised. Requests that are not extensions (FSETSTAT) are
#   answered 3 too, and nothing advertises those.
# Versions: openssh-sftp-server 1:9.2p1 (Debian 12).
# Source: OpenSSH sftp-server.c, process_extended and request_permitted.
# Date: 2026-11-30
# Needs the Debian package openssh-sftp-server, and python3. Writes nothing.
# Exit status: 0 as described, 1 something else was seen.
set -euo pipefail

dpkg-query -W openssh-sftp-server

python3 - <<'PY'
import struct
import subprocess
import sys

SERVER = "/usr/lib/openssh/sftp-server"
EXTENDED, FSETSTAT, STATUS, HAS_MODE = 200, 10, 101, 4


def text(raw):
    return struct.pack(">I", len(raw)) + raw


def talk(*options):
    """What is advertised, and the status codes of four requests."""
    server = subprocess.Popen(
        [SERVER, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )

    def ask(kind, body):
        server.stdin.write(struct.pack(">IB", 1 + len(body), kind) + body)
        server.stdin.flush()
        (size,) = struct.unpack(">I", server.stdout.read(4))
        return server.stdout.read(size)

    hello = ask(1, struct.pack(">I", 3))
    advertised = b"posix-rename@openssh.com" in hello, b"fsync@openssh.com" in hello
    requests = [
        (EXTENDED, text(b"posix-rename@openssh.com") + text(b"/no/a") + text(b"/no/b")),
        (EXTENDED, text(b"fsync@openssh.com") + text(bytes(4))),
        (FSETSTAT, text(bytes(4)) + struct.pack(">II", HAS_MODE, 0o600)),
        (EXTENDED, text(b"unheard-of@example.com")),
    ]
    codes = []
    for number, (kind, body) in enumerate(requests):
        answer = ask(kind, struct.pack(">I", number) + body)
        assert answer[0] == STATUS
        codes += struct.unpack(">I", answer[5:9])
    server.stdin.close()
    server.wait()
    server.stdout.close()
    return advertised, codes


plain = talk()
barred = talk("-P", "posix-rename,fsync,fsetstat")
for name, (advertised, codes) in (("all allowed", plain), ("barred", barred)):
    print(f"{name}: posix-rename and fsync advertised: {advertised}")
    print(f"  posix-rename, fsync, FSETSTAT, an unheard-of extension: {codes}")
sys.exit(0 if barred == ((False, False), [3, 3, 3, 8]) and plain[0] == (True, True) else 1)
PY
