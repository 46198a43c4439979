"""Write the example traces beside this file: ``python traces/build.py [FOLDER]``.

What the agent proposes and what the critic says of it is written down here by hand; everything else (tool results, the
user's lines, decisions, rewards, state hashes) comes from holding the sessions with the real tools and the real loop. The
clock is a fixed one, so the files come out the same every time.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from msgspec import Struct

from actorcritic_cli.actors.protocol import Proposing
from actorcritic_cli.actors.recorded import RecordedActor
from actorcritic_cli.critics.protocol import Case
from actorcritic_cli.envs import registry
from actorcritic_cli.exchange import trace
from actorcritic_cli.session.build import opening
from actorcritic_cli.session.events import Event
from actorcritic_cli.session.loop import Parties, Session
from actorcritic_cli.session.state import begin
from actorcritic_cli.types import (
    CriticIdentity,
    Critique,
    Message,
    Proposal,
    SessionSpec,
    Supervision,
    ToolCall,
    Verdict,
)
from actorcritic_cli.users.script import ScriptedUser


class Clock:
    """Stands still until it is set. Starts at 2024-05-15, 15:00 EST, as Unix seconds."""

    now = 1715803200.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


class Call(Struct, frozen=True):
    """A tool call that the agent proposes; ``objection`` is what the example critic says against it."""

    name: str
    arguments: dict[str, Any]
    objection: Critique | None = None


class Example(Struct, frozen=True):
    """One example session: per step, the proposals (a text is a reply) in the order in which they are made."""

    name: str
    task: str
    steps: tuple[tuple[str | Call, ...], ...]
    supervised: bool = True


class ExampleCritic:
    """Objects to the calls it was told to object to and approves everything else."""

    identity = CriticIdentity(
        id="example",
        name="example",
        info={"note": "Not a model: these verdicts were written by hand for the example traces."},
    )

    def __init__(self, objections: dict[str, Critique]):
        self._objections = objections  # by call id

    def judge(self, case: Case) -> Verdict:
        """Look up what was written down about the proposed call."""
        calls = case.proposal.message.tool_calls
        critique = self._objections.get(calls[0].id) if calls else None
        if critique is None:
            return Verdict("approve", self.identity.id, p_revise=0.05, threshold=self.identity.threshold)
        return Verdict("revise", self.identity.id, p_revise=0.95, threshold=self.identity.threshold, critique=critique)

    def close(self) -> None:
        """Nothing to release."""


CANCEL = Example(
    name="airline-cancel",
    task="cancel-01",
    steps=(
        ("I can help with that. Could you please give me your user id?",),
        (Call("get_user_details", {"user_id": "saoirse_brennan_8542"}),),
        (Call("get_reservation_details", {"reservation_id": "BRE419"}),),
        (
            Call(
                "cancel_reservation",
                {"reservation_id": "BRE419"},
                objection=Critique(
                    "R1.2: a call that cancels needs the customer's clear yes to the details, and they have not been "
                    "laid out yet. R5.1 also wants the reason. Tell the customer what is cancelled and what comes back, "
                    "ask for the reason and for a yes.",
                    rule="R1.2",
                    wrong="The reservation would be cancelled without the customer's confirmation.",
                    right="Lay out the cancellation and the refund, and ask for the reason and a yes.",
                ),
            ),
            "I found it: reservation BRE419, Boston to Chicago with ACC163 on 25 May, economy, booked on 14 May at 21:16. "
            "As that is less than 24 hours ago, it can be cancelled, and the $99 you paid would go back to your Visa card "
            "within seven days. May I ask for your reason, and shall I cancel the whole reservation (yes or no)?",
        ),
        (Call("cancel_reservation", {"reservation_id": "BRE419"}),),
        (
            "Reservation BRE419 is cancelled. The $99 will be back on your Visa card ending in 7354 within seven days. "
            "Is there anything else?",
        ),
    ),
)

REFUSAL = Example(
    name="airline-refusal",
    task="refusal-01",
    steps=(
        ("I'll look into that. Please give me your user id, the reservation number and your reason for cancelling.",),
        (Call("get_user_details", {"user_id": "theo_papadakis_3533"}),),
        (Call("get_reservation_details", {"reservation_id": "THEO48"}),),
        (
            Call(
                "cancel_reservation",
                {"reservation_id": "THEO48"},
                objection=Critique(
                    "R5.2: none of the four grounds holds. THEO48 was booked on 7 May, the customer speaks of no cancelled "
                    "flight, it is economy and not insured, and the reason is a change of plan. Decline, and say why.",
                    rule="R5.2",
                    wrong="A reservation that cannot be cancelled would be cancelled.",
                    right="Decline and name the conditions that are not met.",
                ),
            ),
            "I'm sorry, but I can't cancel THEO48. It was booked on 7 May, so more than 24 hours ago, it is in economy and "
            "it is not insured. A change of plan does not allow a cancellation then.",
        ),
        (
            "I understand that this is disappointing, but the rule is the same for all customers and I can't make an "
            "exception.",
        ),
        (
            Call(
                "send_certificate",
                {"user_id": "theo_papadakis_3533", "amount": 100},
                objection=Critique(
                    "R6.1 and R6.2: no flight of THEO48 is cancelled or late, and a regular member in economy without "
                    "insurance is not entitled to a certificate. R7.2: a refusal is no reason to hand over either. "
                    "Decline both.",
                    rule="R6.2",
                    wrong="A certificate would be issued to a customer who has no claim to one.",
                    right="Decline the voucher and the transfer.",
                ),
            ),
            "I'm sorry, I can offer neither. Vouchers are for cancelled or delayed flights under certain conditions, and a "
            "colleague would have to apply the same rule. Your trip stays booked as it is.",
        ),
    ),
)

BAGGAGE = Example(
    name="airline-baggage",
    task="baggage-03",
    supervised=False,
    steps=(
        ("Gladly. What are your user id and your reservation number?",),
        (Call("get_user_details", {"user_id": "dmitri_volkanov_2592"}),),
        (Call("get_reservation_details", {"reservation_id": "DIVO77"}),),
        (Call("calculate", {"expression": "3 * 50"}),),
        (
            "Three more checked bags on DIVO77 make four in all. They cost $50 each, $150 in total, taken from your gift "
            "card. Shall I add them (yes or no)?",
        ),
        (
            Call(
                "update_reservation_baggages",
                {
                    "reservation_id": "DIVO77",
                    "total_baggages": 4,
                    "nonfree_baggages": 3,
                    "payment_id": "gift_card_8716118",
                },
            ),
        ),
        ("Done: four checked bags on DIVO77, and $150 was taken from your gift card. Anything else?",),
    ),
)

EXAMPLES = (CANCEL, REFUSAL, BAGGAGE)


def hold(example: Example) -> list[Event]:
    """Hold an example's session and return its events."""
    environment = registry.load("tau_airline")
    task = next(task for task in environment.tasks() if task.id == example.task)
    steps: dict[int, list[Proposing]] = {}
    objections: dict[str, Critique] = {}
    for step, proposals in enumerate(example.steps, start=1):
        for attempt, made in enumerate(proposals):
            message = _message(made, f"call_{step}_{attempt}")
            steps.setdefault(step, []).append(Proposing(Proposal(message)))
            if isinstance(made, Call) and made.objection is not None:
                objections[message.tool_calls[0].id] = made.objection
    parties = Parties(
        environment=environment,
        episode=environment.open(task),
        actor=RecordedActor(steps, f"traces/{example.name}.jsonl"),
        user=ScriptedUser.from_task(task),
        critic=ExampleCritic(objections) if example.supervised else None,
    )
    spec = SessionSpec(
        env=environment.name,
        dataset=environment.dataset,
        task_id=task.id,
        actor=parties.actor.name,
        user="script",
        critic="example" if example.supervised else None,
        supervision=Supervision(mode="enforce" if example.supervised else "off"),
    )
    clock = Clock()
    started = opening(spec, task, parties, session=example.name.replace("airline", "example"), at=clock.now)
    events: list[Event] = [started]
    for event in Session(parties, begin(started), clock).events():
        events.append(event)
        clock.now += 1.0
    return events


def _message(made: str | Call, call_id: str) -> Message:
    if isinstance(made, str):
        return Message("assistant", made)
    return Message("assistant", tool_calls=(ToolCall(call_id, made.name, json.dumps(made.arguments)),))


def main(folder: Path) -> None:
    """Write all examples into the folder."""
    for example in EXAMPLES:
        trace.write(folder / f"{example.name}.jsonl", hold(example))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
