#!/usr/bin/env bash
# faketime: under an offset the clocks that count from the start of the machine are wall clocks.
#
# Expected: `faketime -f +1d` moves the wall clock by a day; CLOCK_MONOTONIC and
#   CLOCK_BOOTTIME go on from where they were, or are a day ahead, too.
# Seen: both become the faked wall clock: seconds since 1970, not since the start of the
#   machine. So a program that counts by two clocks, to survive one that is set, sees the
#   second one jump by half a century, and a test by faketime mixed with real calls
#   tries something that no machine does. DONT_FAKE_MONOTONIC=1 leaves CLOCK_MONOTONIC
#   alone, and CLOCK_BOOTTIME with it.
# Versions: faketime and libfaketime 0.9.10 (Debian 12), Python 3.11.
# Source: faketime(1) says of neither clock what it becomes.
# Date: 2026-12-01
# Exit status: 0 as described, 1 something else was seen. Writes nothing.
set -euo pipefail

clocks='
import time
wall = time.time()
since = [time.clock_gettime(c) for c in (time.CLOCK_MONOTONIC, time.CLOCK_BOOTTIME)]
print(*("wall" if abs(clock - wall) < 60 else "boot" for clock in since))
'
plain=$(python3 -c "$clocks")
faked=$(faketime -f +1d python3 -c "$clocks")
left=$(DONT_FAKE_MONOTONIC=1 faketime -f +1d python3 -c "$clocks")
echo "plain: $plain; faked: $faked; DONT_FAKE_MONOTONIC: $left"
[ "$plain; $faked; $left" = "boot boot; wall wall; boot boot" ]
