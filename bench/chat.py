"""What an answer costs: `.venv/bin/python bench/chat.py [--answers N] [--quick]`.

Starts the whole platform in a scratch folder, with an upstream that costs next to nothing, and has
20 callers ask it. Counts the CPU seconds of every process that works on an answer: web, worker (it
writes the titles), beat, PostgreSQL, Valkey; not of the upstream nor of the callers. The knowledge
base is empty: what a look into it costs, bench/search.py and bench/answers.py tell. Prints the
table that README shows, and where the time went; and, from the same minutes, what Django alone does
in a CPU-second: machines differ, and a shared one from hour to hour.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)  # else `chat` would be this file

from bench import costs, load  # noqa: E402
from bench.platform import Platform, started  # noqa: E402
from bench.upstream import PACE, TOKENS  # noqa: E402

CALLERS = 20
ROUNDS = 5
TITLE_SECONDS = 90
MEGABYTE = 1_000_000
BARE_CALLS = 2_000


@dataclass
class Round:
    answers: int
    seconds: float
    cpu: dict[str, float]
    others: float  # cores that the rest of the machine kept busy: a measure of the noise
    bare: float  # calls that Django alone answers in a CPU-second, just before

    @property
    def answers_per_cpu_second(self) -> float:
        return self.answers / sum(self.cpu.values())

    @property
    def share(self) -> float:
        """Answers for each call that Django alone answers in the same CPU time."""
        return self.answers_per_cpu_second / self.bare


@dataclass
class Scenario:
    title: str
    model: str
    stream: bool
    share: float  # of all answers
    rounds: list[Round] = field(default_factory=list)

    def target(self, platform: Platform) -> load.Target:
        asked = {"message": "What is a token?", "model": self.model, "stream": self.stream}
        body = json.dumps(asked).encode()
        return load.Target(platform.port, "/api/chat", body, self.stream, platform.key)

    def upstream_target(self, platform: Platform) -> load.Target:
        messages = [{"role": "user", "content": "What is a token?"}]
        asked = {"messages": messages, "model": self.model, "stream": self.stream}
        body = json.dumps(asked).encode()
        return load.Target(platform.upstream_port, "/v1/chat/completions", body, self.stream)


def scenarios() -> list[Scenario]:
    return [
        Scenario("whole", "bench", stream=False, share=0.5),
        Scenario("streamed, all at once", "bench", stream=True, share=0.45),
        Scenario(f"streamed, {PACE} tokens/s each", "paced", stream=True, share=0.05),
    ]


def bare_calls(platform: Platform) -> float:
    """How many calls Django alone answers in a CPU-second."""
    target = load.Target(platform.yardstick_port, "/yardstick", b"{}", stream=False)
    before = platform.yardstick.cpu_seconds()
    asyncio.run(load.run(target, answers=BARE_CALLS, callers=CALLERS))
    return BARE_CALLS / (platform.yardstick.cpu_seconds() - before)


def measure(platform: Platform, scenario: Scenario, answers: int) -> Round:
    bare = bare_calls(platform)
    before, load_before = costs.cpu_seconds(platform.parts), load_seconds(platform)
    machine_before, began = costs.machine_seconds(), time.perf_counter()
    asyncio.run(load.run(scenario.target(platform), answers=answers, callers=CALLERS))
    seconds = time.perf_counter() - began
    wait_for_titles(platform)
    cpu = costs.spent(before, costs.cpu_seconds(platform.parts))
    ours = sum(cpu.values()) + load_seconds(platform) - load_before
    others = costs.machine_seconds() - machine_before - ours
    return Round(answers, seconds, cpu, others / (time.perf_counter() - began), bare)


def load_seconds(platform: Platform) -> float:
    """CPU time of what makes the load: the callers, which are this process, and the upstream."""
    return time.process_time() + platform.upstream.cpu_seconds()


def wait_for_titles(platform: Platform) -> None:
    """The worker's share of an answer belongs to its cost."""
    deadline = time.monotonic() + TITLE_SECONDS
    while platform.chats_without_title():
        if time.monotonic() > deadline:
            raise SystemExit("The worker makes no titles.")
        time.sleep(0.25)


def latency_over_upstream(
    platform: Platform, scenario: Scenario, answers: int
) -> tuple[float, float]:
    """Medians in ms: of one caller's answers, and of the same from the upstream itself."""
    medians = []
    for target in (scenario.target(platform), scenario.upstream_target(platform)):
        measured = asyncio.run(load.run(target, answers=answers, callers=1))
        medians.append(statistics.median(measured.whole) * 1000)
    return medians[0] - medians[1], medians[1]


def run(platform: Platform, answers: int, rounds: int) -> None:
    all_scenarios = scenarios()
    for scenario in all_scenarios[:2]:  # warms up connections, code and caches
        asyncio.run(load.run(scenario.target(platform), answers=100, callers=CALLERS))
    latencies = [latency_over_upstream(platform, s, 100) for s in all_scenarios[:2]]
    wait_for_titles(platform)
    memory = [(0, platform.part("web").memory())]
    for _ in range(rounds):
        for scenario in all_scenarios:
            count = max(CALLERS, int(answers * scenario.share / rounds))
            scenario.rounds.append(measure(platform, scenario, count))
            show_round(scenario)
        done = sum(r.answers for s in all_scenarios for r in s.rounds)
        memory.append((done, platform.part("web").memory()))
    print_tables(all_scenarios, latencies, memory)


def show_round(scenario: Scenario) -> None:
    last = scenario.rounds[-1]
    parts = ", ".join(f"{name} {cpu * 1000 / last.answers:.2f}" for name, cpu in last.cpu.items())
    print(
        f"{scenario.title}: {last.answers} answers in {last.seconds:.1f} s, "
        f"{last.answers_per_cpu_second:.1f} per CPU-second, {last.share:.1%} of {last.bare:.0f} "
        f"calls of Django alone (ms an answer: {parts}; "
        f"cores busy with something else: {last.others:.1f})",
        file=sys.stderr,
        flush=True,
    )


def print_tables(
    all_scenarios: list[Scenario],
    latencies: list[tuple[float, float]],
    memory: list[tuple[int, int]],
) -> None:
    names = list(all_scenarios[0].rounds[0].cpu)
    print(
        f"| {CALLERS} callers, {TOKENS} tokens an answer, everything stored "
        "| answers per CPU-second | share of Django alone "
        f"| upstream tokens per CPU-second | {' | '.join(names)} |"
    )
    print("|---|" + "---|" * (3 + len(names)))
    for scenario in all_scenarios:
        print(scenario_row(scenario, names))
    print(f"\nMedians of {len(all_scenarios[0].rounds)} rounds; by process: CPU ms an answer.\n")
    print("| | |\n|---|---|")
    for scenario, (over, upstream) in zip(all_scenarios, latencies, strict=False):
        row = f"one caller, {scenario.title}: over the upstream's {upstream:.1f} ms"
        print(f"| {row} | {over:.1f} ms |")
    bare = statistics.median(r.bare for s in all_scenarios for r in s.rounds)
    print(f"| Django alone under daphne, an async view | {bare:.0f} calls per CPU-second |")
    for answers, resident in memory[1:]:
        print(f"| web process after {answers:,} answers | {resident / MEGABYTE:.0f} MB |")


def scenario_row(scenario: Scenario, names: list[str]) -> str:
    answers = statistics.median(r.answers_per_cpu_second for r in scenario.rounds)
    parts = [
        f"{statistics.median(r.cpu[name] / r.answers for r in scenario.rounds) * 1000:.2f}"
        for name in names
    ]
    share = statistics.median(r.share for r in scenario.rounds)
    tokens = f"{answers * TOKENS:,.0f}" if scenario.stream else ""
    return f"| {scenario.title} | {answers:.0f} | {share:.1%} | {tokens} | {' | '.join(parts)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description="What an answer costs.")
    parser.add_argument("--answers", type=int, default=10_000, help="in all (10,000)")
    parser.add_argument("--quick", action="store_true", help="600 answers in two rounds")
    arguments = parser.parse_args()
    answers, rounds = (600, 2) if arguments.quick else (arguments.answers, ROUNDS)
    with tempfile.TemporaryDirectory(prefix="chatbot-bench-") as folder:
        Path(folder).chmod(0o755)  # PostgreSQL's own user has to come in
        with started(Path(folder)) as platform:
            run(platform, answers, rounds)


if __name__ == "__main__":
    main()
