"""Actors that offer several candidates: models asked at the same time, simulated actors that slip anew; and the options."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from actorcritic_cli.actors.litellm_actor import LitellmActor
from actorcritic_cli.actors.protocol import ActorContext, ActorFailed, Offers
from actorcritic_cli.critics.synthetic import write
from actorcritic_cli.envs import registry
from actorcritic_cli.session.build import parties_for
from actorcritic_cli.session.choose import action_of
from actorcritic_cli.session.events import Compared, Proposed, Resumed
from actorcritic_cli.session.loop import caught_up
from actorcritic_cli.session.state import restored
from actorcritic_cli.store.database import open_database
from actorcritic_cli.store.library import Library
from actorcritic_cli.store.recorder import Recorder
from actorcritic_cli.types import Message, Supervision, ToolSpec
from tests.cli import start
from tests.parties import ComparingCritic, session_of
from tests.program import acc
from tests.providers_server import KEY, ProviderServer, Usage, fails, provider_server, says
from tests.sim_sessions import ComparingOracle, ended, experiment, hold, no_recordings, oracle, spec_for

pytestmark = pytest.mark.slow

__all__ = ["provider_server"]

SEED = 40
TOOLS = (ToolSpec("look", "Look.", {"type": "object", "properties": {}}, "read"),)
CONTEXT = ActorContext((Message("system", "Be kind."), Message("user", "Hi")), TOOLS, step=1)


def model(server: ProviderServer, **options) -> LitellmActor:
    return LitellmActor(
        "gpt", {"base_url": server.openai_base, "max_retries": 0, "seed": SEED, "timeout": 20} | options
    )


def by_seed(server: ProviderServer, answer) -> None:
    """Answer each request by the number of its candidate."""
    server.respond_with(lambda body: answer(body["seed"] - SEED))


def test_a_model_is_asked_for_all_candidates_at_the_same_time(provider_server):
    all_here = threading.Barrier(3, timeout=20)  # no request is answered before all three have come

    def answer(candidate):
        all_here.wait()
        return says(f"candidate {candidate}")

    by_seed(provider_server, answer)
    made = list(model(provider_server).offer(CONTEXT, range(3)))
    assert [p.proposal.message.content for p in made] == ["candidate 0", "candidate 1", "candidate 2"]
    assert len({str(body["messages"]) for body in provider_server.bodies}) == 1
    assert sorted(body["seed"] for body in provider_server.bodies) == [SEED, SEED + 1, SEED + 2]
    assert [p.call.request["seed"] for p in made] == [SEED, SEED + 1, SEED + 2]


def test_the_temperature_is_the_one_given(provider_server):
    by_seed(provider_server, lambda candidate: says("yes"))
    list(model(provider_server, temperature=0.3).offer(CONTEXT, range(2)))
    assert [body["temperature"] for body in provider_server.bodies] == [0.3, 0.3]


def test_answers_come_before_the_failure_of_another(provider_server):
    by_seed(provider_server, lambda candidate: fails(400, "no") if candidate == 0 else says(f"candidate {candidate}"))
    offered = model(provider_server).offer(CONTEXT, range(3))
    assert [next(offered).proposal.message.content for _ in range(2)] == ["candidate 1", "candidate 2"]
    with pytest.raises(ActorFailed) as failed:
        next(offered)
    assert failed.value.call is not None


def test_every_candidates_call_is_on_record_with_its_usage_and_cost(provider_server, tmp_path):
    by_seed(provider_server, lambda candidate: says(f"candidate {candidate}", usage=Usage(100 + candidate, 7)))
    critic = ComparingCritic(lambda proposal: float(proposal.message.content[-1]) + 1)
    session, started = session_of(
        model(provider_server), ["Hi", "Bye ###STOP###"], critic=critic, supervision=Supervision(choose=3)
    )
    events = [started, *session.events()]
    with open_database(tmp_path / "a.db") as database:
        recorder = Recorder(database)
        for event in events:
            recorder.record(event)
        calls = database.rows("SELECT input_tokens, output_tokens, cost, request FROM model_calls ORDER BY seq")
        assert list(Library(database).events("s1")) == events
    assert [row["input_tokens"] for row in calls] == [100, 101, 102]
    assert all(row["cost"] > 0 for row in calls)
    assert session.state.cost == pytest.approx(sum(row["cost"] for row in calls))
    assert [m.content for m in session.state.transcript if m.role == "assistant"] == ["candidate 2"]


def test_only_the_candidates_that_are_missing_are_asked_for_after_an_interruption(provider_server):
    by_seed(provider_server, lambda candidate: says(f"candidate {candidate}"))
    critic = ComparingCritic(lambda proposal: float(proposal.message.content[-1]) + 1)

    def new():
        return session_of(
            model(provider_server), ["Hi", "Bye ###STOP###"], critic=critic, supervision=Supervision(choose=3)
        )

    session, started = new()
    whole = list(session.events())
    cut = 1 + next(n for n, e in enumerate(whole) if isinstance(e, Proposed))
    provider_server.requests.clear()
    rest = caught_up(new()[0].parties, restored([started, *whole[:cut], Resumed(0.0)]))
    events = list(rest.events())
    assert sorted(body["seed"] for body in provider_server.bodies) == [SEED + 1, SEED + 2]
    assert [e.attempt for e in events if isinstance(e, Proposed)] == [1, 2]
    assert [m.content for m in rest.state.transcript if m.role == "assistant"] == ["candidate 2"]


@pytest.mark.slow
def test_a_chat_killed_in_the_middle_of_a_choice_pays_for_no_candidate_twice(provider_server, acc_home, tmp_path):
    released = threading.Event()

    def answer(body):
        if body["seed"] != SEED:
            released.wait(60)
        return says("Good day. Bye.")

    provider_server.respond_with(answer)
    script, critic, db = tmp_path / "user.txt", tmp_path / "critic.gguf", acc_home / "acc.db"
    script.write_text("Hello?\nThanks. ###STOP###\n")
    write(critic, shape="tiny", seed=0)
    process = start(
        "chat", "--actor", "gpt", "--user", f"script:{script}", "--critic", critic, "--choose", "3", "--seed", str(SEED),
        "--threshold", "1", **provider_server.env(),
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while (_proposed(db) < 1 or len(provider_server.requests) < 3) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert _proposed(db) == 1
    released.set()
    before = len(provider_server.requests)
    with open_database(db) as database:
        session = Library(database).find_session("last")
    again = start("chat", "--resume", session, **provider_server.env())
    _, err = again.communicate(timeout=120)
    assert again.returncode == 0, err
    assert sorted(body["seed"] for body in provider_server.bodies[before:]) == [SEED + 1, SEED + 2]
    with open_database(db) as database:
        events = list(Library(database).events(session))
    (choice,) = [e for e in events if isinstance(e, Compared)]
    assert (choice.candidates, choice.reason) == (3, "all candidates are the same action")
    assert KEY not in str(events)


def _proposed(db: Path) -> int:
    if not db.exists():
        return 0
    try:
        with open_database(db) as database:
            return int(database.rows("SELECT count(*) FROM proposals")[0][0])
    except Exception:  # the database is just being made
        return 0


def airline():
    return {task.id: task for task in registry.load("tau_airline").tasks()}


def test_each_candidate_of_a_hasty_actor_slips_on_its_own():
    together: dict[tuple[bool, bool], int] = {}
    for seed, task in enumerate(airline().values()):
        events = hold(spec_for("tau_airline", "sim:expert"), task)
        spec = spec_for("tau_airline", "sim:hasty", seed=seed, slip_rate=5)
        actor = parties_for(spec, task, critic=None, recordings=no_recordings).actor
        assert isinstance(actor, Offers)
        for place in [n for n, e in enumerate(events) if isinstance(e, Proposed)]:
            state = restored(events[:place])
            context = ActorContext(state.transcript, state.tools, state.step)
            one, two, again = actor.offer(context, [0, 1, 0])
            assert one == again == actor.propose(context)
            slips = (one.label.label == "revise", two.label.label == "revise")
            together[slips] = together.get(slips, 0) + 1
    total = sum(together.values())
    first, second = (sum(n for slips, n in together.items() if slips[place]) / total for place in (0, 1))
    both = together.get((True, True), 0) / total
    assert 0.1 < first < 0.9
    assert abs(first - second) < 0.1
    assert both < 0.75 * min(first, second)


def test_a_hasty_actor_knows_what_it_revises():
    for task in list(airline().values())[::4]:
        spec = spec_for("tau_airline", "sim:hasty", seed=5, supervised=True, choose=3, slip_rate=4, mend=1.0)
        parties = parties_for(spec, task, critic=None, recordings=no_recordings)
        events = hold(spec, task, oracle)
        for number, event in enumerate(events):
            if isinstance(event, Proposed) and not isinstance(events[number + 1], Proposed | Compared):
                assert event.label.label == "approve", "a justified objection is mended"
        assert ended(events).reward.value == 1.0
        assert parties.actor.name == "sim:hasty"


def test_a_session_with_choices_resumed_anywhere_goes_on_as_it_would_have():
    task = airline()["change-04"]
    spec = spec_for("tau_airline", "sim:hasty", task="change-04", seed=11, supervised=True, choose=3, slip_rate=6)
    whole = hold(spec, task, oracle)
    assert sum(isinstance(e, Compared) and e.chosen != 0 for e in whole) > 0
    for cut in range(1, len(whole)):
        parties = parties_for(spec, task, critic=None, recordings=no_recordings)
        parties = replace(parties, critic=oracle(parties.actor, spec))
        session = caught_up(parties, restored([*whole[:cut], Resumed(0.0)]))
        session.clock = lambda: 0.0
        assert list(session.events()) == whole[cut:], cut


def test_a_critic_that_knows_the_best_candidate_raises_success():
    alone = experiment("tau_airline", "sim:hasty", 2)
    chosen = experiment("tau_airline", "sim:hasty", 2, ComparingOracle, choose=3)
    once = experiment("tau_airline", "sim:hasty", 2, ComparingOracle, choose=1)
    assert once.success == alone.success, "the critic approves of everything that is put before it singly"
    assert chosen.success >= alone.success + 0.25
    assert chosen.success >= 0.9


@pytest.mark.slow
@pytest.mark.parametrize("env", ["tau_airline", "tau_retail", "travel"])
def test_more_candidates_raise_success_in_every_environment(env):
    found = [experiment(env, "sim:hasty", 6, ComparingOracle, choose=choose).success for choose in (1, 2, 4)]
    print(env, found)
    assert found == sorted(found)
    assert found[0] < 0.7
    assert found[2] > 0.9


def test_what_the_oracle_prefers_is_right_where_any_candidate_is():
    task = airline()["cancel-03"]
    spec = spec_for("tau_airline", "sim:hasty", task="cancel-03", seed=2, supervised=True, choose=3, slip_rate=3)
    events = hold(spec, task, ComparingOracle)
    for place, event in enumerate(events):
        if isinstance(event, Compared):
            made = [e for e in events[:place] if isinstance(e, Proposed) and e.step == event.step]
            if any(e.label.label == "approve" for e in made):
                assert made[event.chosen].label.label == "approve"
            distinct = {action_of(e.proposal.message) for e in made}
            assert len(event.attempts) in (0, len(distinct))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--choose", "3", "--supervise", "off"], "--choose needs a critic"),
        (["--choose", "3", "--critic", "GGUF", "--supervise", "off"], "without --supervise off"),
        (["--choose", "3", "--critic", "GGUF", "--gate", "none"], "--gate none"),
        (["--choose", "0", "--critic", "GGUF"], "for '--choose'"),
        (["--choose", "9", "--critic", "GGUF"], "for '--choose'"),
        (["--choose", "2", "--critic", "GGUF", "--actor", "sim:expert"], "several candidates to offer"),
    ],
)
@pytest.mark.parametrize("command", [["chat", "--task", "cancel-01", "--user", "script"], ["run"]])
def test_a_choice_that_cannot_be_meant_is_refused_in_a_sentence(command, options, words, tmp_path):
    critic = tmp_path / "critic.gguf"
    write(critic, shape="tiny", seed=0)
    done = acc(*command, "--actor", "sim:hasty", *[critic if o == "GGUF" else o for o in options])
    assert done.code == 2
    assert words in re.sub(r"[\s│]+", " ", done.err) + done.error
    assert "Traceback" not in done.err


@pytest.mark.slow
def test_a_run_with_a_critic_of_random_weights_chooses_and_tells_of_it(tmp_path):
    critic = tmp_path / "critic.gguf"
    write(critic, shape="tiny", seed=0)
    done = acc(
        "run", "--actor", "sim:hasty", "--actor-option", "slip_rate=4", "--critic", critic, "--choose", "3",
        "--tasks", "cancel-01,book-01", "--threshold", "1",
    )  # fmt: skip
    assert done.code == 0, done.err
    out = acc("replay", "last").out
    assert "chooses from 3 candidates" in out
    assert "candidate 2: " in out
    assert "choice    takes" in out
    assert acc("db", "verify").code == 0
