"""Sessions under a real GGUF through real llama.cpp, from the actor's proposal to the record."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from actorcritic_cli.critics.client import LlamaCritic
from actorcritic_cli.critics.synthetic import write
from actorcritic_cli.session.events import Acted, Decided, Ended, Judged, Proposed
from actorcritic_cli.session.loop import Session
from actorcritic_cli.types import Supervision
from tests.parties import actor_of, call, reply, session_of

STOP = "###STOP###"


@pytest.fixture(scope="module")
def gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("critic") / "tiny.gguf"
    write(path, shape="tiny", seed=0)
    return path


def of(kind, events):
    return [event for event in events if isinstance(event, kind)]


def supervised(critic: LlamaCritic, *steps, lines: list[str], supervision: Supervision = Supervision()) -> Session:
    session, _ = session_of(actor_of(*steps), lines, critic=critic, supervision=supervision)
    return session


def test_a_low_threshold_sends_back_and_a_high_one_lets_pass(gguf):
    steps = ([reply("I can do anything."), reply("What is your user id?")],)
    with LlamaCritic(gguf, threshold=0.0) as strict, LlamaCritic(gguf, threshold=1.0) as lenient:
        sent_back = list(supervised(strict, *steps, lines=["Hi", STOP]).events())
        let_pass = list(supervised(lenient, *steps, lines=["Hi", STOP]).events())
    assert [d.decision.kind for d in of(Decided, sent_back)] == ["revise", "revise", "escalate"]
    assert [d.decision.kind for d in of(Decided, let_pass)] == ["accept"]
    first, again = of(Judged, sent_back)[0].verdict, of(Judged, let_pass)[0].verdict
    assert first.p_revise == pytest.approx(again.p_revise, abs=1e-4)
    assert first.critique is not None
    assert again.critique is None
    assert of(Ended, sent_back)[0].reason == "user_stop"


@pytest.mark.parametrize("word", [pytest.param("allow", marks=pytest.mark.slow), "block"])
def test_a_worker_killed_in_the_middle_of_a_judgement_costs_that_verdict_only(gguf, word):
    supervision = Supervision(on_critic_error=word, gate="all", max_revisions=2)
    with LlamaCritic(gguf, threshold=1.0) as critic:
        critic.start()
        first = critic.worker_pid
        # A stopped worker is certainly in the middle of its judgement when it is killed.
        os.kill(first, signal.SIGSTOP)
        killer = threading.Thread(target=lambda: (time.sleep(0.5), os.kill(first, signal.SIGKILL)))
        killer.start()
        session = supervised(
            critic, reply("One moment."), call("list_all_airports", {}), reply("Done."),
            lines=["Hi", "Go on", STOP], supervision=supervision,
        )  # fmt: skip
        events = list(session.events())
        killer.join()
        assert critic.worker_pid != first
    verdicts = [e.verdict for e in of(Judged, events)]
    assert (verdicts[0].kind, verdicts[0].why) == ("no_verdict", "crash")
    assert {v.kind for v in verdicts[1:]} == {"approve"}
    decided = [e.decision.kind for e in of(Decided, events)]
    assert decided == (["accept"] * 3 if word == "allow" else ["revise", "accept", "accept", "accept"])
    assert [e.message.content for e in of(Acted, events)] == ["One moment.", None, "Done."]
    assert events[-1].reason == "user_stop"


def test_one_critic_serves_sessions_on_several_threads_without_mixing_them_up(gguf):
    def held(critic, marker):
        session = supervised(
            critic, reply(f"Hello {marker}"), reply(f"Goodbye {marker}"), lines=[f"I am {marker}", "Thanks", STOP]
        )
        return [e.verdict.p_revise for e in of(Judged, list(session.events()))]

    markers = ["Ada", "Grace", "Barbara"]
    with LlamaCritic(gguf, threshold=1.0) as critic:
        alone = {marker: held(critic, marker) for marker in markers}
        together: dict[str, list[float]] = {}
        threads = [
            threading.Thread(target=lambda m=m: together.__setitem__(m, held(critic, m))) for m in markers for _ in "12"
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len({tuple(p) for p in alone.values()}) == 3, "the marker makes no difference, so the test shows nothing"
    for marker in markers:
        assert together[marker] == pytest.approx(alone[marker], abs=1e-3)


def test_every_proposal_is_judged_before_anything_else_happens(gguf):
    with LlamaCritic(gguf, threshold=1.0) as critic:
        events = list(
            supervised(critic, call("list_all_airports", {}), reply("Hi"), lines=["Hi", STOP],
                       supervision=Supervision(gate="all")).events()
        )  # fmt: skip
    for n, event in enumerate(events):
        if isinstance(event, Proposed):
            assert [type(e) for e in events[n + 1 : n + 4]] == [Judged, Decided, Acted]
