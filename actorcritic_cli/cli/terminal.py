"""The person at the terminal: as the user of a chat, and as the one who has the last word on a stopped action."""

from __future__ import annotations

import sys

from actorcritic_cli.session.arbiter import Ruling
from actorcritic_cli.session.events import Event, Judged
from actorcritic_cli.session.state import State
from actorcritic_cli.show.live import LiveView, spoken, verdict_text
from actorcritic_cli.types import Verdict
from actorcritic_cli.users.person import Person

HELP = """/why            the critic's last verdict
/override       let the stopped action pass
/revise TEXT    send it back with your own critique
/stop           stop it, and the session
/quit           leave; the session is on record"""


class Terminal:
    """Reads lines, carries out ``/`` commands and rules on stopped actions. Leaving raises ``KeyboardInterrupt`` only
    when the session is to be resumed later (Ctrl-C); ``/quit`` and Ctrl-D end it."""

    def __init__(self, view: LiveView):
        self.view = view
        self.person = Person(lambda: self._read("you      "), self._command)
        self._last: Verdict | None = None

    def watch(self, event: Event, state: State) -> None:
        """Show an event, and remember the last verdict for ``/why``."""
        if isinstance(event, Judged):
            self._last = event.verdict
        self.view.watch(event, state)

    def rule(self, state: State) -> Ruling:
        """Ask the person what becomes of the last proposal."""
        self.view.rest()
        stopped = state.attempts[-1]
        for label, text, _ in spoken(stopped.proposal.message):
            self._say(f"waiting: {label} {text}")
        self._say("Let it pass with /override, send it back with /revise TEXT, or /why, /stop, /quit, /help.")
        while True:
            line = self._read("ruling   ")
            if line is None:
                return Ruling("stop", "the person left")
            word, _, text = line.strip().partition(" ")
            match word:
                case "/override":
                    return Ruling("override", text or "overridden by the person")
                case "/revise" if text.strip():
                    return Ruling("revise", text.strip())
                case "/revise":
                    self._say("Say what is wrong: /revise TEXT")
                case "/stop" | "/quit":
                    return Ruling("stop", text or "stopped by the person")
                case _ if word.startswith("/"):
                    self._command(line.strip())
                case _:
                    self._say("An action is waiting for your word: /override, /revise TEXT, /why, /stop or /quit.")

    def _command(self, line: str) -> bool:
        word = line.split()[0]
        match word:
            case "/quit":
                return True
            case "/why":
                self._why()
            case "/override" | "/revise" | "/stop":
                self._say("Nothing is stopped just now; this works while an action waits for your word.")
            case "/help":
                self._say(HELP)
            case _:
                self._say(f"There is no command {word}; /help lists them.")
        return False

    def _why(self) -> None:
        if self._last is None:
            self._say("The critic has not judged anything yet.")
            return
        self._say(verdict_text(self._last))
        critique = self._last.critique
        if critique is not None:
            for name, text in (("rule", critique.rule), ("wrong", critique.wrong), ("right", critique.right)):
                if text:
                    self._say(f"  {name}: {text}")
            if not critique.wrong:
                self._say(f"  {critique.text}")

    def _read(self, prompt: str) -> str | None:
        self.view.rest()
        if sys.stdin.isatty():
            self.view.err.print(prompt, style="bold cyan", end="", markup=False)
        try:
            return input()
        except EOFError:
            return None

    def _say(self, text: str) -> None:
        from actorcritic_cli.text import printable

        self.view.err.print(printable(text), markup=False, style="dim")
