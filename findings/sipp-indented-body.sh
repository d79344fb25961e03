#!/usr/bin/env bash
# sipp: the body of a message, as the scenario has it and as it is sent.
#
# Expected: blanks in front of a header's line are the scenario's own indentation and go;
#   behind the empty line the body is content, and is sent as it stands.
# Seen: each line of the body loses the blanks and tabs in front of it, and [len] counts
#   what is left, so the message is consistent and nothing says that it is another one.
#   A folded header (RFC 3261, 7.3.1) loses them too, and so becomes a line without a name
#   and a colon, which is no header. Whatever depends on bytes, such as a signature, a
#   digest or a length that is written by hand, cannot be tested with such a scenario.
# Versions: sip-tester 1:3.6.1-1+b2 (Debian 12).
# Source: seen on the wire; RFC 3261.
# Date: 2026-12-01
# Needs sip-tester.
# Exit status: 0 as described, 1 something else was seen.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
dpkg-query -W sip-tester

cat >try.py <<'PY'
"""One message of sipp's, taken from the wire and answered."""
import socket
import subprocess
import sys

BODY = "<list>\n  <one/>\n\t<two/>\n</list>\n"
SCENARIO = """<?xml version="1.0" encoding="us-ascii"?>
<scenario name="one message">
  <send>
    <![CDATA[
      MESSAGE sip:x@[remote_ip]:[remote_port] SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      From: <sip:y@[local_ip]>;tag=[call_number]
      To: <sip:x@[remote_ip]>
      Call-ID: [call_id]
      CSeq: 1 MESSAGE
      Subject: a long one,
        which is folded
      Content-Type: text/plain
      Content-Length: [len]

{}]]>
  </send>
  <recv response="200"/>
</scenario>
"""
with open("scenario.xml", "w") as file:
    file.write(SCENARIO.format(BODY))
here = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
here.bind(("127.0.0.1", 0))
here.settimeout(10)
words = ["sipp", "127.0.0.1:{}".format(here.getsockname()[1]), "-sf", "scenario.xml"]
words += ["-i", "127.0.0.1", "-m", "1", "-nostdin", "-timeout", "10s"]
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
    free.bind(("127.0.0.1", 0))
    words += ["-p", str(free.getsockname()[1])]
sipp = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
try:
    message, peer = here.recvfrom(65535)
    head, _, body = message.decode().partition("\r\n\r\n")
    lines = head.split("\r\n")
    names = ("Via:", "From:", "To:", "Call-ID:", "CSeq:")
    answer = ["SIP/2.0 200 OK", *(line for line in lines if line.startswith(names))]
    here.sendto("\r\n".join([*answer, "Content-Length: 0", "", ""]).encode(), peer)
    sipp.wait(timeout=15)
finally:
    sipp.kill()
    sipp.wait()
length = next(line for line in lines if line.startswith("Content-Length:")).split()[1]
print("in the scenario:", repr(BODY))
print("on the wire:    ", repr(body), "Content-Length", length)
folded = lines[lines.index("Subject: a long one,") + 1]
print("the folded header's second line:", repr(folded))
is_as_described = (
    body.split("\r\n")[:4] == ["<list>", "<one/>", "<two/>", "</list>"]
    and int(length) == len(body)
    and folded == "which is folded"
)
sys.exit(not is_as_described)
PY
python3 try.py
