"""The progress of a run, on stderr: at a terminal a bar for the run and a line for every session under way (its task and
trial, its turn and what it waits for); elsewhere a line for every session that is over."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from actorcritic_cli.session.plan import Plan
from actorcritic_cli.session.state import Phase, State
from actorcritic_cli.text import one_line
from actorcritic_cli.types import SessionSpec

_DOING: dict[Phase, str] = {
    "hear": "the user speaks",
    "propose": "the actor thinks",
    "compare": "the critic compares",
    "judge": "the critic reads",
    "observe": "the tool runs",
}


class RunProgress:
    """Shows a run while it goes on and keeps count; use as a context manager and pass ``report`` to the runner."""

    def __init__(self, run: str, plan: Plan):
        self.run, self.plan = run, plan
        self.endings: dict[str, int] = {}
        self.failures = 0
        self.first_failure = ""
        self._console = Console(stderr=True, highlight=False)
        self._bar = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[latest]}", markup=False),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task(run, total=len(plan), latest="")
        self._under_way: dict[tuple[str | None, int], TaskID] = {}

    def __enter__(self) -> RunProgress:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()
        done = sum(self.endings.values())
        said = ", ".join(f"{count} {reason}" for reason, count in sorted(self.endings.items()))
        self.say(f"{self.run}: {done} of {len(self.plan)} sessions held now{': ' + said if said else ''}")

    def watch(self, spec: SessionSpec, state: State) -> None:
        """Show where a session stands. Called on the sessions' threads."""
        if not self._console.is_terminal:
            return
        key = (spec.task_id, spec.trial)
        if key not in self._under_way:
            self._under_way[key] = self._bar.add_task(f"  {spec.task_id}/{spec.trial}", total=None, latest="")
        self._bar.update(self._under_way[key], latest=f"turn {state.step}, {_DOING.get(state.phase, state.phase)}")

    def report(self, spec: SessionSpec, outcome: State | Exception) -> None:
        """Take note of a session that is over."""
        if isinstance(outcome, State):
            ending = outcome.ending or "paused"
            self.endings[ending] = self.endings.get(ending, 0) + 1
            latest = f"{spec.task_id}/{spec.trial} {ending}"
        else:
            self.failures += 1
            self.first_failure = self.first_failure or one_line(str(outcome) or type(outcome).__name__, 160)
            latest = f"{spec.task_id}/{spec.trial} failed: {one_line(str(outcome), 80)}"
        row = self._under_way.pop((spec.task_id, spec.trial), None)
        if row is not None:
            self._bar.remove_task(row)
        self._bar.update(self._task, advance=1, latest=latest)
        if not self._console.is_terminal:
            self.say(latest)

    def say(self, text: str) -> None:
        """Print a line of talk."""
        self._console.print(text, markup=False, soft_wrap=True)

    def summary(self) -> dict[str, Any]:
        """Return what ``--json`` prints."""
        return {
            "run": self.run,
            "planned": len(self.plan),
            "held": sum(self.endings.values()),
            "terminations": self.endings,
            "failures": self.failures,
        }
