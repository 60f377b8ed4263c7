"""CPU time and memory of the processes behind a service, those that have ended included."""

from dataclasses import dataclass

import psutil


@dataclass(frozen=True)
class Part:
    """A part of the platform: the first process of its tree."""

    name: str
    root: psutil.Process

    def cpu_seconds(self) -> float:
        """User and system time of the tree. A parent's record has its children that have ended."""
        total = 0.0
        for process in self._tree():
            try:
                total += sum(process.cpu_times()[:4])
            except psutil.NoSuchProcess:
                continue  # its parent has its time by now
        return total

    def memory(self) -> int:
        """Resident bytes of the tree."""
        return sum(process.memory_info().rss for process in self._tree())

    def _tree(self) -> list[psutil.Process]:
        return [self.root, *self.root.children(recursive=True)]


def cpu_seconds(parts: list[Part]) -> dict[str, float]:
    return {part.name: part.cpu_seconds() for part in parts}


def spent(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    return {name: after[name] - before[name] for name in before}


def machine_seconds() -> float:
    """CPU time that everything on this machine has used since its start."""
    times = psutil.cpu_times()
    return float(sum(times[:9]) - times.idle - getattr(times, "iowait", 0))
