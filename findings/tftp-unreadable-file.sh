#!/usr/bin/env bash
# One fault, three answers: a file that the TFTP server may not read.
#
# Expected: error 2, "Access violation" (RFC 1350, appendix I), from each of them.
# Seen: tftpd-hpa 5.2 answers error 0 ("Permission denied"), atftpd 0.8.0 answers error 1
#   ("File not found", as for a file that is not there), dnsmasq 2.90 answers error 2 with
#   a text of its own that holds the server's whole path. So a code alone tells nobody
#   whether a file is missing, and a directory is error 0 for two of them, while atftpd
#   sends it as a file without a byte.
# Versions: tftpd-hpa 5.2+20150808, atftpd 0.8.0, dnsmasq 2.90 (Debian 12).
# Source: seen on the wire; RFC 1350, appendix I.
# Date: 2026-11-30
# Needs root (the servers change their user) and a package archive of Debian's.
# Exit status: 0 as described, 1 something else was seen.
set -euo pipefail

work=$(mktemp -d)
pids=()
finish() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    rm -rf "$work"
}
trap finish EXIT
chmod 755 "$work"

cd "$work"
apt-get download -q tftpd-hpa atftpd dnsmasq-base >/dev/null 2>&1
for package in *.deb; do
    dpkg-deb -f "$package" Package Version | paste -sd' '
    dpkg-deb -x "$package" "${package%%_*}"
done

read -r first second < <(python3 - <<'PY'
import socket

free = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
for each in free:
    each.bind(("127.0.0.1", 0))
print(*(each.getsockname()[1] for each in free))
PY
)
mkdir served served/folder
echo readable >served/file
echo secret >served/secret
chmod 0 served/secret
tftpd-hpa/usr/sbin/in.tftpd -L -a "127.0.0.1:$first" -s "$work/served" &
pids+=($!)
atftpd/usr/sbin/atftpd --daemon --no-fork --port "$second" --bind-address 127.0.0.1 \
    --user nobody.nogroup --logfile - "$work/served" >/dev/null 2>&1 &
pids+=($!)
# dnsmasq knows port 69 only: an address of its own.
dnsmasq-base/usr/sbin/dnsmasq --keep-in-foreground --port=0 --conf-file= --pid-file= \
    --enable-tftp --tftp-root="$work/served" --user=nobody \
    --listen-address=127.69.69.69 --bind-interfaces &
pids+=($!)

cat >ask.py <<'PY'
import socket, sys

def ask(where, name):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(0.5)
        for _ in range(20):
            asking.sendto(b"\0\1" + name.encode() + b"\0octet\0", where)
            try:
                answer = asking.recv(600)
            except TimeoutError:
                continue
            if answer[1] == 5:
                text = answer[4:].split(b"\0")[0].decode()
                return f"error {answer[3]}", text
            return f"{len(answer) - 4} bytes", ""
    return "nothing", ""

servers = {
    "tftpd-hpa": ("127.0.0.1", int(sys.argv[1])),
    "atftpd": ("127.0.0.1", int(sys.argv[2])),
    "dnsmasq": ("127.69.69.69", 69),
}
seen = {}
for server, where in servers.items():
    for name in ("file", "none", "secret", "folder"):
        what, text = ask(where, name)
        seen[server, name] = what
        print(f"{server:10} {name:7} {what}  {text}")
expected = {
    ("tftpd-hpa", "secret"): "error 0", ("tftpd-hpa", "folder"): "error 0",
    ("atftpd", "secret"): "error 1", ("atftpd", "folder"): "0 bytes",
    ("dnsmasq", "secret"): "error 2", ("dnsmasq", "folder"): "error 0",
}
expected |= {(server, "file"): "9 bytes" for server in servers}
expected |= {(server, "none"): "error 1" for server in servers}
sys.exit(seen != expected)
PY
python3 ask.py "$first" "$second"
