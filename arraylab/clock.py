"""What a measurement reads; a test puts a clock of its own in its place."""

import os
import time
from pathlib import Path

from arraylab.memory import page_faults


class Clock:
    """What a measurement reads: seconds, CPU seconds, page faults, a canary."""

    def wall(self) -> float:
        """Return seconds since some start, never going backwards."""
        return time.perf_counter()

    def cpu(self) -> float:
        """Return CPU seconds of this process, all threads together."""
        return time.process_time()

    def faults(self) -> int:
        """Return page faults of this process."""
        return page_faults()

    def canary(self) -> float:
        """Return the seconds of a fixed piece of work: slow when others interfere."""
        start = time.perf_counter()
        sum(range(20_000))
        return time.perf_counter() - start

    def settle(self) -> None:
        """Wait until this process idles: threads that just worked spin for a while.

        Ten milliseconds a look, as the kernel may count no shorter stretches; OpenBLAS
        has been seen spinning for a hundred.
        """
        for _ in range(20):
            start = time.process_time()
            time.sleep(0.01)
            if time.process_time() - start < 0.002:
                return

    def busy(self) -> float | None:
        """Return CPU seconds that the whole machine has worked; None if unknown."""
        try:
            first = Path("/proc/stat").read_text().split("\n", 1)[0].split()
        except OSError:
            return None
        user, nice, system, _idle, _iowait, irq, softirq, *_ = map(int, first[1:])
        ticks = user + nice + system + irq + softirq
        return ticks / os.sysconf("SC_CLK_TCK")

    def overhead(self, calls: int = 1000) -> float:
        """Return the seconds that a call which does nothing takes in a timed loop."""

        def nothing() -> None:
            pass

        start = self.wall()
        for _ in range(calls):
            nothing()
        return (self.wall() - start) / calls
