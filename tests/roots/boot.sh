#!/bin/bash
# boot.sh BASE FOLDER NAME CACHE: becomes systemd on an overlay of BASE kept in FOLDER.
# Run in new mount, pid, net, uts, ipc and cgroup namespaces.
set -euo pipefail
base=$1 folder=$2 name=$3 cache=$4
mkdir -p "$folder/upper" "$folder/work" "$folder/root"
mount --make-rprivate /
mount -t overlay overlay -o "lowerdir=$base,upperdir=$folder/upper,workdir=$folder/work" "$folder/root"
cd "$folder/root"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs dev
for node in null:1:3 zero:1:5 full:1:7 random:1:8 urandom:1:9 tty:5:0; do
    IFS=: read -r file major minor <<<"$node"
    mknod -m 666 "dev/$file" c "$major" "$minor"
done
ln -s /proc/self/fd dev/fd
for pair in stdin:0 stdout:1 stderr:2; do ln -s "fd/${pair##*:}" "dev/${pair%%:*}"; done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=5 devpts dev/pts
ln -s pts/ptmx dev/ptmx
mount -t tmpfs tmpfs dev/shm
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
mount --bind "$cache" var/cache/apt/archives
until [ -e "$folder/wired" ]; do sleep 0.05; done # eth0 is there before init looks
hostname "$name"
echo "$name" >etc/hostname
mkdir -p .old
pivot_root . .old
umount -l /.old
exec env -i container=lxc PATH=/usr/sbin:/usr/bin:/sbin:/bin /sbin/init
