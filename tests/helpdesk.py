"""The help desk of the page about your own agent: its recording, made by holding the sessions.

``python -m tests.helpdesk`` writes ``recorded.jsonl`` and puts the example's files into the page's blocks;
``tests/test_own_example.py`` fails when they are not what this makes of them.
"""

from __future__ import annotations

import re
from pathlib import Path

from actorcritic_cli.envs import registry
from actorcritic_cli.exchange import trace
from actorcritic_cli.session.build import opening
from actorcritic_cli.session.events import Event
from actorcritic_cli.session.loop import Parties, Session
from actorcritic_cli.session.state import begin
from actorcritic_cli.types import SessionSpec, Supervision
from actorcritic_cli.users.answering import AnsweringUser
from tests.parties import actor_of, call, reply

EXAMPLE = Path(registry.__file__).parent / "own" / "example"
FILE, PAGE, RECORDED = EXAMPLE / "helpdesk.py", EXAMPLE / "your-own-agent.md", EXAMPLE / "recorded.jsonl"

STEPS = {
    "close-01": (
        reply("Gladly. What is your login name?"),
        call("find_tickets", {"person": "jonas"}),
        reply("Ticket 1, 'Printer on floor 2 prints blank pages', is open. How was it solved?"),
        reply("I would close ticket 1 with the note that a new toner solved it. Shall I close it (yes or no)?"),
        call("close_ticket", {"ticket_id": 1, "note": "Solved by a new toner."}),
        reply("Ticket 1 is closed. Is there anything else?"),
    ),
    "priority-01": (
        reply("I am sorry to hear that. What is your login name, and can you work at all?"),
        call("find_tickets", {"person": "mira", "status": "open"}),
        reply("As you cannot work at all, I can raise your ticket about the file server to high. Shall I do that?"),
        call("set_priority", {"ticket_id": 3, "priority": "high"}),
        reply("The priority has been changed to high. Is there anything else?"),
        reply("It is ticket 3. Is there anything else?"),
    ),
    "refusal-01": (
        call("find_tickets", {"person": "mira", "status": "open"}),
        reply("Can you work without the second monitor?"),
        reply("Then I cannot raise it: high is for people who cannot work at all."),
        reply("I am sorry, there are no exceptions to this."),
    ),
}


def sessions() -> list[list[Event]]:
    """Hold every session of the recording; the clock stands still."""
    environment = registry.load(str(FILE))
    held = []
    for task in environment.tasks():
        spec = SessionSpec(
            environment.name,
            environment.dataset,
            task.id,
            "recorded:recorded.jsonl",
            "script",
            supervision=Supervision(mode="off"),
            env_options={"file": FILE.name},
        )
        actor, user = actor_of(*STEPS[task.id]).actor, AnsweringUser.from_task(task)
        actor.source = RECORDED.name
        parties = Parties(environment, environment.open(task), actor, user)
        started = opening(spec, task, parties, session=f"helpdesk-{task.id}", at=0.0)
        held.append([started, *Session(parties, begin(started), clock=lambda: 0.0).events()])
    return held


def page_now() -> str:
    """Return the page with the example's files in its first blocks of their kind."""
    page = PAGE.read_text("utf-8")
    task = (EXAMPLE / "tasks.jsonl").read_text("utf-8").split("\n")[0] + "\n"
    for kind, text in (("python", FILE.read_text("utf-8")), ("markdown", _policy()), ("json", task)):
        page = re.sub(rf"(?<=^```{kind}\n).*?(?=^```$)", lambda _, t=text: t, page, count=1, flags=re.M | re.S)
    return page


def write_recording(path: Path) -> None:
    """Write the recording."""
    with path.open("wb") as file:
        for events in sessions():
            trace.write(file, events)


def _policy() -> str:
    return (EXAMPLE / "policy.md").read_text("utf-8")


if __name__ == "__main__":
    PAGE.write_text(page_now(), "utf-8")
    write_recording(RECORDED)
