#!/usr/bin/env bash
# sshd: what a subsystem says on standard error.
#
# Expected: what a subsystem's program says on standard error comes back to the client,
#   as it does for a command, so that an sftp-server which is not there can be named.
# Seen: sshd drops it. The client sees the end of the channel and an exit status, no
#   word: a wrong path after `Subsystem sftp` looks like a program that ends at once.
# Versions: OpenSSH 9.2p1 (Debian 12, openssh-server and openssh-client).
# Source: OpenSSH session.c, do_exec_no_pty: session_set_fds(..., ignore_fderr).
# Date: 2026-11-30
# Exit status: 0 as described, 1 something else was seen.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for name in host_key key; do ssh-keygen -q -t ed25519 -N '' -f "$work/$name"; done
[ "$(id -u)" -ne 0 ] || mkdir -p /run/sshd
cat > "$work/config" <<END
HostKey $work/host_key
AuthorizedKeysFile $work/key.pub
StrictModes no
UsePAM no
PidFile none
PermitRootLogin yes
Subsystem missing /nowhere/sftp-server
END

ask() { # ask WORD...: what the client says on standard error
    ssh -F none -i "$work/key" -o IdentitiesOnly=yes -o BatchMode=yes \
        -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR \
        -o "ProxyCommand=/usr/sbin/sshd -i -f $work/config" "$@" 2>&1 </dev/null || true
}

as_command=$(ask host /nowhere/sftp-server)
as_subsystem=$(ask -s host missing)
echo "as a command:   ${as_command:-(nothing)}"
echo "as a subsystem: ${as_subsystem:-(nothing)}"
case "$as_command" in *nowhere*) ;; *) exit 1 ;; esac
case "$as_subsystem" in *nowhere*) exit 1 ;; esac
