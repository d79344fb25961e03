"""The banner of the original, about this machine. Asks the kernel, prints nothing."""

from __future__ import annotations

import os

GIB = 1 << 30
MIB = 1 << 20


def banner() -> list[str]:
    """Lines before the first prompt (docs/cli.md#banner).

    The processor's kind stands for its name: reading /proc/cpuinfo costs half a
    millisecond of every login.
    """
    page, pages = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_PHYS_PAGES")
    disk = os.statvfs("/")
    return [
        "Command Line Interface is starting up, please wait ...",
        "",
        "   Welcome to the Platform Command Line Interface",
        "",
        "VMware Installation:",
        f"\t{os.cpu_count()} vCPU: {os.uname().machine}",
        f"\tDisk 1: {disk.f_blocks * disk.f_frsize // GIB}GB, Partitions aligned",
        f"\t{page * pages // MIB} Mbytes RAM",
        "",
    ]
