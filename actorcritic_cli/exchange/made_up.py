"""Sessions that nobody held, of true shape and any number, to see how the record bears its size.

They are made like a benchmark's: runs of 50 tasks with four trials each, every other run supervised. Trials of a task share
their beginning, as real ones do; tool results and replies have the lengths of those in the recordings of τ-bench. The same
number always gives the same sessions. Nothing measured on them says anything of a model.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from random import Random

from actorcritic_cli.envs import registry
from actorcritic_cli.session.events import Acted, Decided, Ended, Event, Judged, Observed, Proposed, Started
from actorcritic_cli.types import (
    CriticIdentity,
    Critique,
    Decision,
    Message,
    ModelCall,
    Proposal,
    Reward,
    SessionSpec,
    Supervision,
    Task,
    ToolCall,
    Usage,
    Verdict,
)

ENV, DATASET = "tau_airline", "bundled"
TASKS, TRIALS = 50, 4
A_RUN = TASKS * TRIALS
MESSAGES = 100
"""Messages of a session's accepted transcript, the system prompt included."""

_WORDS = [
    "reservation",
    "flight",
    "economy",
    "business",
    "basic",
    "cabin",
    "passenger",
    "certificate",
    "gift",
    "card",
    "payment",
    "refund",
    "cancel",
    "change",
    "upgrade",
    "baggage",
    "insurance",
    "member",
    "gold",
    "silver",
    "regular",
    "departure",
    "arrival",
    "Boston",
    "Chicago",
    "Denver",
    "Atlanta",
    "Seattle",
    "today",
    "tomorrow",
    "please",
    "confirm",
    "yes",
    "proceed",
    "total",
    "price",
    "dollars",
    "available",
    "direct",
    "one-stop",
    "policy",
    "travel",
    "date",
    "name",
    "address",
]
_CRITIC = CriticIdentity("c0ffee" * 5 + "00", "made-up critic", None, "Q4_K_M", "1", 0.5)
_LOOKS = ("get_reservation_details", "get_user_details", "search_direct_flight", "calculate")
_WRITES = ("cancel_reservation", "update_reservation_flights", "update_reservation_baggages")


def run_names(sessions: int) -> list[str]:
    """Return the names of the runs that so many sessions fall into."""
    return [f"made-up-{number:04}" for number in range(-(-sessions // A_RUN))]


def made_up(sessions: int, messages: int = MESSAGES) -> Iterator[list[Event]]:
    """Yield sessions, run by run."""
    return islice((_Session(number, messages).events() for number in range(sessions)), sessions)


class _Session:
    """One session."""

    def __init__(self, number: int, messages: int):
        self._number = number
        self._run, place = divmod(number, A_RUN)
        self._trial, self._task = divmod(place, TASKS)
        self._messages = messages
        self._draw = Random(number)
        self._shared = Random(f"task {self._task}")
        self._at = 1_760_000_000.0 + 60.0 * number
        self._supervised = self._run % 2 == 1
        self._actor = f"provider/model-{self._run // 2 % 5}"

    def events(self) -> list[Event]:
        """Return the events from start to end."""
        environment = registry.load(ENV, DATASET)
        task_id = f"task-{self._task:02}"
        spec = SessionSpec(
            ENV,
            DATASET,
            task_id,
            self._actor,
            "llm:provider/user",
            "critic.gguf" if self._supervised else None,
            self._trial,
            self._number,
            Supervision("enforce" if self._supervised else "off"),
        )
        events: list[Event] = [
            Started(
                f"m{self._number:08}",
                self._at,
                spec,
                (Message("system", environment.policy),),
                task=Task(task_id, self._text(self._shared, 80)),
                tools=environment.tools,
                critic=_CRITIC if self._supervised else None,
                run=f"made-up-{self._run:04}",
            )
        ]
        events.append(self._heard(0, self._text(Random(f"task {self._task} says"), 25)))
        steps = max(1, (self._messages - 2) // 2)
        for step in range(1, steps + 1):
            events += self._step(step, last=step == steps)
        good = self._draw.random() < 0.4 + 0.1 * self._supervised
        info = {"r_actions": float(good), "gt_data_hash": "0" * 64, "data_hash": "0" * 64}
        events.append(
            Ended(self._tick(0.1), "user_stop", "", Reward(float(good), info), fault=None if good else "actor")
        )
        return events

    def _step(self, step: int, *, last: bool) -> Iterator[Event]:
        calls = not last and self._draw.random() < 0.6
        attempts = 2 if self._supervised and self._draw.random() < 0.08 else 1
        for attempt in range(attempts):
            message = self._call(step) if calls else Message("assistant", self._text(self._draw, 30))
            yield Proposed(self._tick(1.5), step, attempt, Proposal(message), self._model("actor", step))
            accepted = attempt == attempts - 1
            if self._supervised:
                yield Judged(self._tick(0.3), step, attempt, self._verdict(accepted))
            if not accepted:
                critique = Critique("Rule: R1.2. " + self._text(self._draw, 20), "R1.2")
                yield Decided(self._at, step, attempt, Decision("revise", "the critic objects"), critique)
        yield Decided(
            self._at, step, attempts - 1, Decision("accept", "approved" if self._supervised else "unsupervised")
        )
        yield Acted(self._at, step, attempts - 1, message)
        if calls:
            made = message.tool_calls[0]
            result = Message("tool", self._record(), tool_call_id=made.id, name=made.name)
            yield Observed(self._tick(0.001), step, (result,), latency=0.001)
        else:
            yield self._heard(step, "###STOP###" if last else self._text(self._draw, 20), ends=last)

    def _heard(self, step: int, text: str, *, ends: bool = False) -> Observed:
        call = self._model("user", step)
        return Observed(
            self._tick(1.0),
            step,
            (Message("user", text),),
            latency=1.0,
            call=call,
            ends="user_stop" if ends else None,
        )

    def _verdict(self, accepted: bool) -> Verdict:
        p_revise = self._draw.random() / 2 + (0.0 if accepted else 0.5)
        return Verdict(
            "approve" if accepted else "revise",
            _CRITIC.id,
            p_revise,
            0.5,
            latency=0.2 + self._draw.random() / 5,
            detail={"evaluated": self._draw.randrange(40, 400), "reused": self._draw.randrange(2000, 9000)},
        )

    def _call(self, step: int) -> Message:
        name = self._draw.choice(_WRITES if self._draw.random() < 0.15 else _LOOKS)
        arguments = {"reservation_id": f"R{self._draw.randrange(10**6):06}", "date": "2024-05-20", "amount": step}
        call = ToolCall(f"call_{self._number}_{step}_{self._draw.randrange(10**6)}", name, json.dumps(arguments))
        return Message("assistant", None, (call,))

    def _model(self, party: str, step: int) -> ModelCall:
        tokens = 2000 + 300 * step
        raw = {"prompt_tokens": tokens, "completion_tokens": 40, "total_tokens": tokens + 40}
        return ModelCall(
            "actor" if party == "actor" else "user",
            self._actor if party == "actor" else "provider/user",
            {"temperature": 0.0},
            usage=Usage(tokens, 40, tokens // 2, raw),
            cost=tokens * 1e-6,
            latency=0.5 + 2 * self._draw.random(),
        )

    def _record(self) -> str:
        """Return what a tool gives: a record of about 600 characters."""
        draw = self._draw
        flights = [
            {
                "flight_number": f"ACC{draw.randrange(1000):03}",
                "date": f"2024-05-{draw.randrange(1, 31):02}",
                "origin": draw.choice(("BOS", "ORD", "DEN")),
                "destination": draw.choice(("ATL", "SEA", "JFK")),
                "price": draw.randrange(50, 900),
            }
            for _ in range(draw.randrange(1, 7))
        ]
        return json.dumps({"reservation_id": f"R{draw.randrange(10**6):06}", "flights": flights, "status": None})

    def _text(self, draw: Random, words: int) -> str:
        return " ".join(draw.choices(_WORDS, k=max(3, int(words * (0.5 + draw.random())))))

    def _tick(self, seconds: float) -> float:
        self._at += seconds
        return self._at
