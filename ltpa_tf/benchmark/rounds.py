"""Programs measured in turn: each in a process of its own, one round at a time.

Machines drift: clocks, temperature, other people's jobs. So contenders start, compile
and warm up once, then take turns, and are compared by rounds of the same minutes. A
contender waits between its rounds without using the device.

Contender and parent speak lines of JSON over the contender's stdin and stdout.
"""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence


class Turn:
    """A contender's side: says that it is ready, waits for its turns, reports.

    Everything else the process prints, TensorFlow's messages too, goes to stderr.
    """

    def __init__(self):
        self._reports = os.fdopen(os.dup(1), "w", buffering=1)
        os.dup2(2, 1)

    def say(self, **values) -> None:
        """Reports one line: first what this contender is, then each round's metrics."""
        self._reports.write(json.dumps(values) + "\n")

    def wait(self) -> bool:
        """Blocks until it is this contender's turn; False when there are no more."""
        return sys.stdin.readline().strip() == "go"

    def take(self, measure: Callable[[], Mapping]) -> None:
        """Calls `measure` once for each turn and reports what it returns."""
        while self.wait():
            self.say(**measure())


class Contender:
    """The parent's side of one contender.

    Args:
        name: For the table.
        command: What to run.
        environment: Variables set beside this process's own.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str] | None = None,
    ):
        self.name = name
        self._command = command
        self._environment = {**os.environ, **(environment or {})}
        self._process: subprocess.Popen | None = None
        # What it is and how long it took to get ready.
        self.about: dict = {}
        self.rounds: list[dict] = []

    def ready(self) -> bool:
        """Starts it and waits until it is warm; False if it died instead."""
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=self._environment,
        )
        self.about = self._read() or {}
        return bool(self.about)

    def round(self) -> bool:
        """Lets it run one round; False if it died."""
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        metrics = self._read()
        if metrics:
            self.rounds.append(metrics)
        return bool(metrics)

    def close(self) -> None:
        """Ends the process, if there is one."""
        if self._process is None:
            return
        self._process.stdin.close()
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._process.stdout.close()

    def summary(self) -> dict:
        """Best and median round, in images a second."""
        rates = [r["images"] / r["seconds"] for r in self.rounds]
        return {
            "name": self.name,
            **self.about,
            "best_images_per_second": round(max(rates), 1),
            "median_images_per_second": round(statistics.median(rates), 1),
            "rounds": self.rounds,
        }

    def _read(self) -> dict | None:
        line = self._process.stdout.readline()
        return json.loads(line) if line else None


def alternate(contenders: Sequence[Contender], rounds: int) -> list[dict]:
    """Starts one after the other, then `rounds` rounds in turn.

    Returns:
        The summaries of those that came through; the others are left out.
    """
    alive = []
    try:
        for contender in contenders:
            if contender.ready():
                alive.append(contender)
            else:
                print(f"{contender.name}: did not start", file=sys.stderr)
        for number in range(rounds):
            # Nobody always follows the same neighbour.
            order = alive if number % 2 == 0 else alive[::-1]
            for contender in list(order):
                if not contender.round():
                    print(f"{contender.name}: ended early", file=sys.stderr)
                    alive.remove(contender)
    finally:
        for contender in contenders:
            contender.close()
    return [c.summary() for c in alive if c.rounds]


def table(summaries: Sequence[Mapping], references: Sequence[str]) -> str:
    """Lines of text: best and median rate, and the ratio to the fastest reference."""
    kinds = ("best", "median")
    rivals = [s for s in summaries if s["name"] in references]
    rival = max(rivals, key=lambda s: s["best_images_per_second"], default=None)
    lines = [f"{'':24}{'best':>11}{'median':>11}   images/s"]
    for summary in summaries:
        rates = [summary[f"{kind}_images_per_second"] for kind in kinds]
        line = f"{summary['name']:24}" + "".join(f"{rate:11.1f}" for rate in rates)
        if rival is not None and summary["name"] not in references:
            others = [rival[f"{kind}_images_per_second"] for kind in kinds]
            best, median = (r / o for r, o in zip(rates, others, strict=True))
            line += f"   x{best:.3f}, x{median:.3f} of {rival['name']}"
        lines.append(line)
    return "\n".join(lines)
