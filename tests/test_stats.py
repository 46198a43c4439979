"""Statistics count what happened, keep apart what must not be mixed, and say what is not known."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from actorcritic_cli.analysis.gates import METRICS, demand, misses, value_of
from actorcritic_cli.analysis.measures import Measures, measure
from actorcritic_cli.errors import UsageError
from actorcritic_cli.paths import database_path
from actorcritic_cli.session.events import Acted, Decided, Ended, Observed, Proposed, Started
from actorcritic_cli.store.database import open_database
from actorcritic_cli.store.measures import session_counts
from actorcritic_cli.store.recorder import Recorder
from actorcritic_cli.types import (
    Decision,
    Message,
    ModelCall,
    Proposal,
    Reward,
    SessionSpec,
    Supervision,
    Task,
    Usage,
    Verdict,
)
from tests.parties import RuleCritic, actor_of, call, reply, session_of
from tests.program import acc
from tests.v1_files import a_bad_run, a_crash, a_good_run, four_runs, write


@pytest.fixture
def database():
    with open_database(database_path()) as opened:
        yield opened


def keep(database, events):
    recorder = Recorder(database)
    for event in events:
        recorder.record(event)


def measured(database, **options) -> list[Measures]:
    return measure(session_counts(database), **options)


def one(database) -> Measures:
    (found,) = measured(database)
    return found


def supervised(name="s1", *, mode="enforce", rule=None, task=None, on_critic_error="allow"):
    """A session: a reply that is sent back once, a look-up, a goodbye."""
    critic = RuleCritic(rule or (lambda case: 0.9 if case.proposal.message.content == "bad" else 0.1))
    actor = actor_of([reply("bad"), reply("good")], call("list_all_airports", {}), reply("Bye"))
    session, started = session_of(
        actor,
        ["Hi", "Go on", "###STOP###"],
        critic=critic,
        supervision=Supervision(mode=mode, on_critic_error=on_critic_error),
        task=task,
    )
    return [replace(started, session=name), *session.events()]


def paid(name, *calls, reward=1.0, reason="user_stop", task="t1", trial=0, actor="gpt"):
    """An unsupervised session whose replies cost something."""
    spec = SessionSpec(
        "tau_airline", "bundled", task, actor, "script", trial=trial, supervision=Supervision(mode="off")
    )
    yield Started(name, 1e9, spec, (Message("system", "p"),), task=Task(task, "x") if task else None)
    yield Observed(1e9, 0, (Message("user", "Hi"),))
    for step, made in enumerate(calls, start=1):
        message = Message("assistant", f"reply {step}")
        yield Proposed(1e9, step, 0, Proposal(message), made)
        yield Decided(1e9, step, 0, Decision("accept", "unsupervised"))
        yield Acted(1e9, step, 0, message)
        yield Observed(1e9, step, (Message("user", "so?"),), ends=None)
    yield Ended(1e9, reason, "", None if reward is None else Reward(reward))


def model(cost=0.5, latency=1.0, tokens=10, party="actor", error=None):
    return ModelCall(party, "openai/x", usage=Usage(tokens, tokens, 0), cost=cost, latency=latency, error=error)


def test_interventions_and_revisions_are_counted_per_judged_proposal_and_turn(database):
    keep(database, supervised())
    m = one(database)
    assert (m.turns, m.proposals, m.judged) == (3, 4, 3)  # the look-up is not judged by the gate
    assert m.verdicts == {"approve": 2, "revise": 1}
    assert (m.interventions, m.intervention_rate, m.interventions_per_session) == (1, pytest.approx(1 / 3), 1.0)
    assert m.revision_rate == pytest.approx(1 / 3)
    assert (m.verdict_rate, m.critic_error_rate) == (1.0, 0.0)
    assert m.critic_latency.count == 3


def test_a_shadow_critic_judges_but_never_intervenes(database):
    keep(database, supervised(mode="shadow"))
    m = one(database)
    assert (m.judged, m.verdicts) == (2, {"approve": 1, "revise": 1})
    assert (m.interventions, m.intervention_rate, m.revision_rate) == (0, 0.0, 0.0)


def test_critic_errors_are_counted_by_their_reason(database):
    keep(database, supervised(rule=lambda case: Verdict("no_verdict", "rule", why="timeout", message="slow")))
    m = one(database)
    assert m.verdicts == {"no_verdict (timeout)": m.judged}
    assert m.critic_error_rate == 1.0
    assert m.intervention_rate == 0.0


def test_a_missing_verdict_shows(database):
    keep(database, supervised())
    database.rows("DELETE FROM verdicts WHERE kind = 'revise'")
    assert one(database).verdict_rate == pytest.approx(2 / 3)
    assert "1 MISSING" in acc("stats").out


def test_a_malformed_proposal_is_no_judged_one(database):
    from actorcritic_cli.actors.protocol import Proposing

    broken = Proposing(Proposal(Message("assistant", "{")), problem="no JSON")
    actor = actor_of([broken, reply("fine")])
    session, started = session_of(actor, ["Hi", "###STOP###"], critic=RuleCritic(lambda case: 0.1))
    keep(database, [started, *session.events()])
    m = one(database)
    assert (m.malformed, m.judged, m.verdict_rate, m.interventions, m.intervention_rate) == (1, 1, 1.0, 1, 0.0)


def test_unknown_cost_is_unknown_and_counted_and_never_zero(database):
    keep(database, paid("s1", model(0.25), model(None), model(0.5)))
    keep(database, paid("s2", model(None, tokens=None), actor="mystery"))
    known, unknown = sorted(measured(database), key=lambda m: m.group.actor)
    assert (known.money["actor"].cost, known.money["actor"].cost_unknown) == (0.75, 1)
    assert (unknown.money["actor"].cost, unknown.money["actor"].input_tokens) == (None, None)
    out = acc("stats").out
    assert "cost $0.7500 + 1 calls of unknown cost" in out
    assert "tokens unknown; cost unknown" in out


def test_latency_is_that_of_successful_calls(database):
    keep(database, paid("s1", *(model(latency=float(n)) for n in range(1, 22)), model(latency=500.0, error="down")))
    m = one(database)
    assert (m.actor_latency.count, m.actor_latency.p50, m.actor_latency.p95) == (21, 11.0, 20.0)
    assert m.money["actor"].failed == 1


def test_what_has_no_score_is_counted_apart(database):
    keep(database, paid("s1", model(), reward=1.0))
    keep(database, paid("s2", model(), reward=None, reason="infrastructure_error", trial=1))
    keep(database, paid("s3", model(), reward=None, task=None))
    keep(database, [e for e in paid("s4", model(), trial=2) if not isinstance(e, Ended)])
    m = one(database)
    assert (m.sessions, m.scored, m.success, m.under_way) == (3, 1, 1.0, 1)
    assert m.unscored == {"free conversation": 1, "infrastructure_error": 1}
    assert m.passk.values == (1.0,)
    assert value_of(m, "scored_rate") == pytest.approx(1 / 3)


def test_tasks_with_unequal_trials_have_pass_k_up_to_the_smallest(database):
    for trial, reward in enumerate([1.0, 0.0, 1.0]):
        keep(database, paid(f"a{trial}", reward=reward, task="a", trial=trial))
    for trial in range(2):
        keep(database, paid(f"b{trial}", reward=1.0, task="b", trial=trial))
    m = one(database)
    assert m.passk.values == (pytest.approx(5 / 6), pytest.approx(2 / 3))
    assert "k up to the smallest number" in acc("stats").out


def test_sessions_of_different_kind_are_never_mixed(database, tmp_path):
    keep(database, supervised("s1"))
    keep(database, supervised("s2", mode="shadow"))
    keep(database, paid("s3"))
    keep(database, paid("s4", actor="other"))
    acc("import", write(tmp_path, four_runs()), "--dataset", "bundled")
    acc("import", write(tmp_path, four_runs()), "--dataset", "official", "--name", "second")
    groups = [m.group for m in measured(database)]
    assert len(groups) == len(set(groups)) == 6
    assert len(acc("stats", "--run", "second", "--json").json) == 1
    assert {g["dataset"] for g in acc("stats", "--dataset", "official", "--json").json} == {"official"}


def test_runs_are_kept_apart_on_request(tmp_path):
    acc("import", write(tmp_path, [a_good_run(), a_bad_run()]), "--dataset", "bundled", "--name", "one")
    acc("import", write(tmp_path, [a_good_run(), a_crash(1)]), "--dataset", "bundled", "--name", "two")
    (together,) = acc("stats", "--json").json
    assert (together["scored"], together["pass^1"], together["trials"]) == (3, pytest.approx(2 / 3), [3, 3])
    apart = acc("stats", "--by-run", "--json").json
    assert [(g["run"], g["pass^1"], g["unscored"]) for g in apart] == [
        ("one", 0.5, {}),
        ("two", 1.0, {"infrastructure_error": 1}),
    ]


def test_a_demand_that_is_not_met_ends_with_100_and_one_sentence(tmp_path):
    acc("import", write(tmp_path, [a_good_run(), a_bad_run()]), "--dataset", "bundled", "--name", "one")
    assert acc("stats", "--fail-under", "pass^1=0.5", "--fail-under", "success=.5").code == 0
    failed = acc("stats", "--fail-under", "pass^1=0.5", "--fail-under", "pass^2=0.4")
    assert failed.code == 100
    assert failed.error.startswith("pass^2 is 0 where at least 0.4 is demanded (tau_airline (bundled), actor gpt-4o")
    assert "success" in failed.out  # the statistics are printed all the same
    assert acc("stats", "--fail-under", "pass^3=0").code == 100
    assert "not known" in acc("stats", "--fail-under", "verdict_rate=1").error
    acc("import", write(tmp_path, [a_bad_run(0)], "b.json"), "--dataset", "bundled")
    assert acc("stats", "--fail-under", "pass^1=0.5").code == 100  # in every group, not on the whole


def test_a_demand_that_cannot_be_meant_is_a_usage_error_that_lists_the_metrics(database):
    keep(database, paid("s1"))
    unknown = acc("stats", "--fail-under", "luck=1")
    assert unknown.code == 2
    assert all(metric in unknown.error for metric in ("pass^1", *METRICS))
    for text in ("success", "success=", "success=high", "success=nan", "pass^0=1", "pass^=1", "=1", ""):
        with pytest.raises(UsageError):
            demand(text)


def test_every_metric_can_be_demanded_and_its_own_value_is_enough(database):
    keep(database, supervised())
    keep(database, paid("s2"))
    for m in measured(database):
        for metric in (*METRICS, "pass^1"):
            value = value_of(m, metric)
            if value is None:
                assert misses([m], [demand(f"{metric}=0")])
            else:
                assert not misses([m], [demand(f"{metric}={value!r}")])
                assert misses([m], [demand(f"{metric}={value + 0.01!r}")])


def test_the_metrics_of_the_help_text_are_those_there_are():
    text = acc("stats", "--help", width=200).out
    assert all(metric in text for metric in METRICS)


def test_without_a_record_it_says_how_to_get_one(database):
    for missing in (acc("stats"), acc("stats", "--db", "missing.db"), acc("stats", "--env", "nowhere")):
        assert missing.code == 3
        assert "acc demo" in missing.error


def test_shares_are_printed_to_three_decimals_without_the_zero(tmp_path):
    acc("import", write(tmp_path, [a_good_run(0), a_bad_run(1), a_bad_run(2)]), "--dataset", "bundled")
    assert ".333 .000 .000 (1 tasks × 3 trials)" in acc("stats").out


READERS = ["stats", "sessions", "replay last", "replay last --json", "diff last last", "import {trace}", "export last"]


@pytest.mark.parametrize("command", READERS)
def test_reading_the_record_loads_no_model_library(command):
    trace = Path(__file__).parents[1] / "traces" / "airline-cancel.jsonl"
    acc("import", trace)
    code = (
        "import sys\n"
        "from actorcritic_cli.cli.main import app\n"
        "try: app(sys.argv[1:])\n"
        "except SystemExit as done: code = done.code\n"
        "heavy = [m for m in ('litellm', 'llama_cpp', 'torch', 'numpy', 'gguf', 'tokenizers') if m in sys.modules]\n"
        "print('heavy:', heavy, file=sys.stderr); sys.exit(code or bool(heavy))\n"
    )
    words = command.format(trace=trace).split()
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1] == "heavy: []"
    assert done.returncode == 0
