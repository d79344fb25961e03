#!/usr/bin/env bash
# sshd_config: of several MaxStartups the last one counts.
#
# Expected: "for each keyword, the first obtained value will be used" (sshd_config(5)), so
#   an earlier line, or a drop-in that is included first, wins.
# Seen: of several MaxStartups the last one counts; MaxSessions beside it keeps the rule.
#   A drop-in for a test or for hardening that is read first changes nothing.
# Versions: OpenSSH 9.2p1 (Debian 12, openssh-server).
# Source: `sshd -T`; servconf.c sets it without looking whether it was set.
# Date: 2026-11-30
# Exit status: 0 as described, 1 something else was seen.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
ssh-keygen -q -t ed25519 -N '' -f "$work/host_key"
[ "$(id -u)" -ne 0 ] || mkdir -p /run/sshd
cat > "$work/config" <<END
HostKey $work/host_key
MaxStartups 1:100:1
MaxSessions 1
MaxStartups 50:60:70
MaxSessions 5
END
seen=$(/usr/sbin/sshd -T -f "$work/config" | grep -E '^max(startups|sessions) ' | sort)
echo "$seen"
[ "$seen" = "$(printf 'maxsessions 1\nmaxstartups 50:60:70')" ]
