"""A session on the screen while it happens.

What the user and the environment get to see goes to stdout, as in a transcript; what supervision says goes to stderr. At
a terminal both appear as one story. Proposals that were sent back are shown by what was wrong with them.
"""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.status import Status
from rich.table import Table
from rich.text import Text

from actorcritic_cli.session.events import (
    Acted,
    Compared,
    Decided,
    Ended,
    Event,
    Failed,
    Judged,
    Observed,
    Proposed,
    Resumed,
    Started,
)
from actorcritic_cli.session.state import Phase, State
from actorcritic_cli.show.story import choice_text
from actorcritic_cli.show.values import member_texts
from actorcritic_cli.text import one_line, printable
from actorcritic_cli.types import Message, Verdict

_INDENT = 9
_WAITING: dict[Phase, str] = {
    "propose": "the actor is thinking",
    "compare": "the critic is comparing",
    "judge": "the critic is reading",
    "observe": "the tool is running",
}


class LiveView:
    """Prints events as they come; pass ``watch`` to ``session.conduct``. ``typed`` says that the user's words are on
    the screen already, because a person typed them there."""

    def __init__(self, *, typed: bool = False, out: Console | None = None, err: Console | None = None):
        self.out = out or Console(highlight=False)
        self.err = err or Console(stderr=True, highlight=False)
        self.typed = typed
        self._status: Status | None = None

    def __enter__(self) -> LiveView:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.rest()

    def watch(self, event: Event, state: State) -> None:
        """Show one event, and what is being waited for now."""
        self.rest()
        self._show(event, state)
        waiting = _WAITING.get(state.phase)
        if waiting and self.err.is_terminal:
            self._status = self.err.status(f"[dim]{waiting} …[/dim]", spinner="dots")
            self._status.start()

    def progress(self, characters: int) -> None:
        """Say how much of a held-back proposal has come in."""
        status = self._status  # several candidates come in on threads of their own
        if status is not None:
            status.update(f"[dim]the actor is writing ({characters} characters, held back until approved) …[/dim]")

    def rest(self) -> None:
        """Take the waiting line off the screen."""
        if self._status is not None:
            self._status.stop()
            self._status = None

    def _show(self, event: Event, state: State) -> None:
        match event:
            case Started():
                self._started(event)
            case Resumed():
                self._aside("resumed", "the session goes on where it stood", "dim")
            case Proposed() if event.proposal.author == "supervisor":
                self._aside("handoff", "supervision hands the customer over to a human", "yellow")
            case Compared() if event.candidates > 1:
                self._aside("choice", choice_text(event), "green" if event.chosen == 0 else "yellow")
            case Judged():
                self._aside("critic", verdict_text(event.verdict), _VERDICT_STYLE[event.verdict.kind])
            case Decided():
                self._decided(event, state)
            case Acted():
                for label, text, style in spoken(event.message):
                    self._line(self.out, label, text, style)
            case Observed():
                self._observed(event)
            case Failed():
                self._aside("failed", f"{event.party}: {event.message}", "red")
            case Ended():
                self._ended(event)
            case _:
                pass

    def _started(self, event: Started) -> None:
        spec = event.spec
        task = f", task {spec.task_id}" if spec.task_id is not None else ""
        self._aside("session", f"{event.session} in {spec.env} ({spec.dataset}){task}", "bold")
        self._aside("actor", event.actor or spec.actor, "dim")
        if event.critic is not None:
            mode = f"{spec.supervision.mode}, threshold {event.critic.threshold:.3g}"
            note = event.critic.info.get("note")
            self._aside("critic", f"{event.critic.name} ({mode}){'; ' + str(note) if note else ''}", "dim")
        else:
            self._aside("critic", "none: unsupervised", "dim")

    def _decided(self, event: Decided, state: State) -> None:
        if event.decision.kind == "accept":
            if event.by == "person":
                self._aside("you", "let it pass", "yellow")
            return
        rejected = state.candidate(event.attempt).message if state.attempts else None
        if rejected is not None and event.by != "person":
            self._aside("was", "; ".join(one_line(text, 160) for _, text, _ in spoken(rejected)), "dim strike")
        words = {"revise": "sent back", "escalate": f"to {event.decision.to}", "stop": "stopped"}[event.decision.kind]
        told = f": {one_line(event.critique.text, 400)}" if event.critique else ""
        self._aside("decision", f"{words} ({event.decision.reason}){told}", "yellow")

    def _observed(self, event: Observed) -> None:
        for message in event.messages:
            if message.role == "tool":
                style = "red" if event.error else "dim"
                self._line(self.out, "result", one_line(message.content or "(nothing)", 300), style)
            elif not self.typed:
                self._line(self.out, "user", message.content or "", "cyan")

    def _ended(self, event: Ended) -> None:
        reward = (
            "not scored" if event.reward is None or event.reward.value is None else f"reward {event.reward.value:g}"
        )
        told = event.reason in ("actor_error", "user_error", "infrastructure_error")  # by the line before
        said = f" ({event.message})" if event.message and not told else ""
        self._aside("ended", f"{event.reason}{said}, {reward}", "bold")

    def _aside(self, label: str, text: str, style: str) -> None:
        self._line(self.err, label, text, style)

    def _line(self, console: Console, label: str, text: str, style: str) -> None:
        body = printable(text)
        if console.is_terminal:  # long words stay in their column
            row = Table.grid()
            row.add_column(width=_INDENT)
            row.add_column(overflow="fold")
            row.add_row(Text(label, "bold"), Text(body, style))
            console.print(row)
        else:
            console.print(Text(f"{label:<{_INDENT}}" + body.replace("\n", "\n" + " " * _INDENT)), soft_wrap=True)


_VERDICT_STYLE = {"approve": "green", "revise": "yellow", "no_verdict": "red"}


def verdict_text(verdict: Verdict) -> str:
    """Return a verdict in one line."""
    took = f"{verdict.latency * 1000:.0f} ms" if verdict.latency < 1 else f"{verdict.latency:.1f} s"
    if verdict.kind == "no_verdict":
        return f"no verdict ({verdict.why}): {one_line(verdict.message, 200)}"
    p = "?" if verdict.p_revise is None else f"{verdict.p_revise:.3f}"
    if verdict.detail.get("plain"):
        return f"approves unasked, for it only asks (p_revise {p})"
    members = "".join(f"; {text}" for text in member_texts(verdict))
    return f"{'approves' if verdict.kind == 'approve' else 'objects'} (p_revise {p}, {took}{members})"


def spoken(message: Message) -> list[tuple[str, str, str]]:
    """Return an assistant message as (label, text, style) lines: its calls, or the reply."""
    if message.tool_calls:
        return [("call", f"{call.name} {one_line(call.arguments, 400)}", "magenta") for call in message.tool_calls]
    return [("agent", message.content or "", "none")]
