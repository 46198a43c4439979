"""Choosing with a real GGUF through real llama.cpp: the comparison is the critic's own, and a broken one costs no turn."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from actorcritic_cli.critics.client import LlamaCritic
from actorcritic_cli.critics.panel import panel
from actorcritic_cli.critics.prompt import LETTERS
from actorcritic_cli.critics.protocol import Compares
from actorcritic_cli.critics.synthetic import write
from actorcritic_cli.session.choose import MOST
from actorcritic_cli.session.events import Acted, Compared, Judged
from actorcritic_cli.store.database import open_database
from actorcritic_cli.store.library import Library
from actorcritic_cli.store.recorder import Recorder
from actorcritic_cli.types import Supervision
from tests.parties import offers, reply, session_of

TEXTS = ["I can do anything.", "What is your user id?", "Let me hand you over."]
STOP = "###STOP###"


def gguf(tmp_path_factory: pytest.TempPathFactory, seed: int) -> Path:
    path = tmp_path_factory.mktemp("critic") / f"tiny{seed}.gguf"
    write(path, shape="tiny", seed=seed)
    return path


@pytest.fixture(scope="module")
def critic(tmp_path_factory):
    with LlamaCritic(gguf(tmp_path_factory, 0), threshold=1.0) as opened:
        yield opened


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    with LlamaCritic(gguf(tmp_path_factory, 1), threshold=1.0) as opened:
        yield opened


def held(critic, texts, *, turns=1):
    session, started = session_of(
        offers(*[[reply(text) for text in texts]] * turns), [*["Hi"] * turns, STOP], critic=critic,
        supervision=Supervision(choose=len(texts)),
    )  # fmt: skip
    return [started, *session.events()]


def only(kind, events):
    (found,) = [event for event in events if isinstance(event, kind)]
    return found


def test_the_candidate_that_the_model_gives_most_to_is_taken_wherever_it_stands(critic):
    assert isinstance(critic, Compares)
    taken = {}
    for first in range(3):
        texts = TEXTS[first:] + TEXTS[:first]
        events = held(critic, texts)
        said = only(Compared, events).comparison
        assert sum(said.scores) == pytest.approx(1.0, abs=1e-6)
        assert only(Compared, events).chosen == max(range(3), key=lambda n: said.scores[n])
        taken[first] = (texts[only(Compared, events).chosen], dict(zip(texts, said.scores, strict=True)))
    assert len({text for text, _ in taken.values()}) == 1
    for _, scores in taken.values():
        assert scores == pytest.approx(taken[0][1], abs=1e-3)


def test_only_what_was_taken_is_judged_and_the_conversation_goes_on(critic):
    events = held(critic, TEXTS, turns=2)
    choices = [e for e in events if isinstance(e, Compared)]
    judged = [e for e in events if isinstance(e, Judged)]
    assert len(choices) == 2
    assert [(e.step, e.attempt) for e in judged] == [(e.step, e.chosen) for e in choices]
    assert events[-1].reason == "user_stop"
    assert choices[1].comparison.detail["tokens_reused"] > 0


def test_as_many_candidates_as_may_be_asked_for_can_be_compared(critic):
    assert len(LETTERS) >= MOST
    choice = only(Compared, held(critic, [f"Answer number {n}." for n in range(MOST)]))
    assert len(choice.comparison.scores) == MOST
    assert choice.comparison.scores[choice.chosen] == max(choice.comparison.scores)


def test_a_panel_compares_by_the_mean_of_its_members(critic, other):
    alone = [only(Compared, held(member, TEXTS)).comparison.scores for member in (critic, other)]
    together = only(Compared, held(panel([critic, other], "mean"), TEXTS)).comparison
    assert together.scores == pytest.approx([(a + b) / 2 for a, b in zip(*alone, strict=True)], abs=1e-3)
    assert len(together.detail["members"]) == 2


def test_a_comparison_comes_back_from_the_record_as_it_was(critic, tmp_path):
    events = held(critic, TEXTS)
    with open_database(tmp_path / "a.db") as database:
        recorder = Recorder(database)
        for event in events:
            recorder.record(event)
        assert list(Library(database).events("s1")) == events


def test_a_worker_killed_in_the_middle_of_a_comparison_costs_the_comparison_only(tmp_path_factory):
    with LlamaCritic(gguf(tmp_path_factory, 0), threshold=1.0) as critic:
        critic.start()
        worker = critic.worker_pid
        os.kill(worker, signal.SIGSTOP)  # certainly in the middle when it is killed
        killer = threading.Thread(target=lambda: (time.sleep(0.5), os.kill(worker, signal.SIGKILL)))
        killer.start()
        events = held(critic, TEXTS)
        killer.join()
        assert critic.worker_pid != worker
    choice = only(Compared, events)
    assert (choice.chosen, choice.comparison.scores, choice.comparison.why) == (0, (), "crash")
    assert choice.reason == "no comparison (crash): the first is taken"
    assert only(Judged, events).verdict.kind == "approve"
    assert only(Acted, events).message.content == TEXTS[0]


def test_a_session_whose_time_is_up_takes_the_first(critic):
    session, _ = session_of(
        offers([reply(text) for text in TEXTS]), ["Hi", STOP], critic=critic, supervision=Supervision(choose=3)
    )
    events = []
    for event in session.events():
        events.append(event)
        if session.state.phase == "compare":
            limits = replace(session.state.spec.limits, max_seconds=session.state.elapsed)
            session.state = replace(session.state, spec=replace(session.state.spec, limits=limits))
    choice = only(Compared, events)
    assert (choice.chosen, choice.comparison.why) == (0, "timeout")
