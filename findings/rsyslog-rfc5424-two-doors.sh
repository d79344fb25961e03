#!/usr/bin/env bash
# rsyslog and RFC 5424: one message by two ways in, and one with a byte order mark.
#
# Expected: what rsyslog reads from the network it reads from the local socket too, so that
#   `logger --rfc5424` fares alike on both; and a filter meets the text, not the mark in
#   front of it by which RFC 5424 (6.4) says that it is UTF-8.
# Seen: the local socket has a parser of its own, on by default, for the old form alone: the
#   program is "1", the version's digit, there is no process id, and the whole header is
#   text. UseSpecialParser="off" mends that. From the network the mark stays in front of
#   $msg, so `startswith` does not match a message that looks the same in a file.
# Versions: rsyslog 8.2302.0-1+deb12u2, bsdutils 1:2.38.1-5+deb12u3 for logger (Debian 12).
# Source: seen by this script; rsyslog's imuxsock page, and its issue 4749.
# Date: 2026-12-01
# Needs rsyslog.
# Exit status: 0 as described, 1 something else was seen.
set -euo pipefail

work=$(mktemp -d)
pids=()
finish() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    rm -rf "$work"
}
trap finish EXIT
cd "$work"
dpkg-query -W rsyslog bsdutils
port=$(python3 - <<'PY'
import socket

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
    free.bind(("127.0.0.1", 0))
    print(free.getsockname()[1])
PY
)
cat >conf <<CONF
global(workDirectory="$work" internalmsg.severity="emerg")
module(load="imuxsock" SysSock.Use="off")
module(load="imudp")
input(type="imuxsock" Socket="$work/stock")
input(type="imuxsock" Socket="$work/mended" UseSpecialParser="off")
input(type="imudp" Address="127.0.0.1" Port="$port")
template(name="read" type="string"
    string="program %app-name%, process %procid%, starts with the word: %\$.starts%\n")
if \$msg startswith "word" then set \$.starts = "yes"; else set \$.starts = "no";
action(type="omfile" file="$work/out" template="read")
CONF
/usr/sbin/rsyslogd -n -f "$work/conf" -i "$work/pid" &
pids+=($!)

say() { # say NUMBER LOGGER'S-WORDS...: sends one message, waits until line NUMBER is there
    local number=$1 tries
    shift
    for tries in {1..100}; do
        [ -S mended ] && grep -qi ":$(printf %04X "$port") " /proc/net/udp && break
        sleep 0.1
    done
    logger --rfc5424=notq --tag prog --id=42 "$@"
    for tries in {1..100}; do
        [ "$(cat out 2>/dev/null | wc -l)" -ge "$number" ] && return
        sleep 0.1
    done
    echo "rsyslog wrote no line $number" >&2
    return 1
}

say 1 --server 127.0.0.1 --port "$port" --udp "word and more"
say 2 --socket "$work/stock" "word and more"
say 3 --socket "$work/mended" "word and more"
say 4 --server 127.0.0.1 --port "$port" --udp $'\xef\xbb\xbfword and more'
paste -d: - out <<'WAYS'
network        
local socket   
same, mended   
network, marked
WAYS
printf 'program %s, process %s, starts with the word: %s\n' \
    prog 42 yes 1 - no prog 42 yes prog 42 no | cmp -s - out
