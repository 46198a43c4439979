"""Statistics count what happened, keep apart what must not be mixed, and say what is not known."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from msgspec.structs import replace

from actorcritic_cli.analysis.gates import FACTS, METRICS, demand, rulings, value_of
from actorcritic_cli.analysis.measures import Measures, measure
from actorcritic_cli.analysis.report import Entry, report
from actorcritic_cli.analysis.shares import Estimate
from actorcritic_cli.errors import UsageError
from actorcritic_cli.paths import database_path
from actorcritic_cli.session.events import Acted, Decided, Ended, Observed, Proposed, Started
from actorcritic_cli.store.database import open_database
from actorcritic_cli.store.labelled import labelled_verdicts
from actorcritic_cli.store.measures import group_counts
from actorcritic_cli.store.recorder import Recorder
from actorcritic_cli.store.selection import Selection
from actorcritic_cli.store.turns import intervened_turns
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


def measured(database, **selection) -> list[Measures]:
    return measure(group_counts(database, Selection(**selection)))


def entries(database, **selection) -> list[Entry]:
    groups = group_counts(database, Selection(**selection))
    return report(groups, labelled=labelled_verdicts(database), turns=intervened_turns(database))


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
    assert "1 verdicts MISSING" in acc("stats").out


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
    assert "$0.7500 + 1 call of unknown cost" in out
    assert "tokens unknown" in out


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
    assert value_of(entries(database)[0], "scored_rate") == pytest.approx(1 / 3)


def test_tasks_with_unequal_trials_have_pass_k_up_to_the_smallest(database):
    for trial, reward in enumerate([1.0, 0.0, 1.0]):
        keep(database, paid(f"a{trial}", reward=reward, task="a", trial=trial))
    for trial in range(2):
        keep(database, paid(f"b{trial}", reward=1.0, task="b", trial=trial))
    m = one(database)
    assert m.passk.values == (pytest.approx(5 / 6), pytest.approx(2 / 3))
    assert "2 to 3 trials, k up to the fewest" in acc("stats").out


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
    assert acc("stats", "--by-run", "--json").json == acc("stats", "--by", "run", "--json").json
    apart = acc("stats", "--by", "run", "--json").json
    assert [(g["run"], g["pass^1"], g["unscored"]) for g in apart] == [
        ("one", 0.5, {}),
        ("two", 1.0, {"infrastructure_error": 1}),
    ]


def many(database, *, tasks=12, failed=0, trials=2, actor="gpt", run=None):
    """Sessions of several tasks, of which the first trial of some fails."""
    for task in range(tasks):
        for trial in range(trials):
            reward = 0.0 if trial == 0 and task < failed else 1.0
            keep(
                database,
                paid(f"{actor}-{task}-{trial}", model(), reward=reward, task=f"t{task}", trial=trial, actor=actor),
            )


def test_a_demand_that_is_not_met_ends_with_100_and_one_sentence(database):
    many(database, failed=3)
    assert acc("stats", "--fail-under", "pass^1=0.6", "--fail-under", "success=.6").code == 0
    failed = acc("stats", "--fail-under", "pass^1=0.6", "--fail-under", "pass^2=0.8", "--fail-over", "success=0.9")
    assert failed.code == 100
    assert failed.error.startswith("pass^2 is 0.75 and may be as low as 0.4")
    assert failed.error.endswith(
        "where at least 0.8 is demanded (tau_airline (bundled), actor gpt, supervision off); 1 more demands are not met."
    )
    assert "success" in failed.out  # the statistics are printed all the same
    assert "as high as" in acc("stats", "--fail-over", "success=0.9").error
    assert acc("stats", "--fail-over", "success=1").code == 0
    many(database, failed=12, actor="worse")
    assert acc("stats", "--fail-under", "pass^1=0.6").code == 100  # in every group, not on the whole


def test_the_printed_verdict_is_that_of_the_exit_code(database):
    many(database, failed=3)
    options = ["--fail-under", "pass^1=0.6", "--fail-under", "pass^2=0.8"]
    done = acc("stats", *options)
    assert [line.split()[0] for line in done.out.split("Gates\n")[1].splitlines()] == ["met", "NOT"]
    gates = acc("stats", *options, "--json").json[0]["gates"]
    assert [gate["met"] for gate in gates] == [True, False]
    assert gates[1]["held"] < 0.8 > gates[1]["value"]


def test_what_is_not_known_or_too_few_to_tell_meets_no_demand(tmp_path, database):
    acc("import", write(tmp_path, [a_good_run(), a_bad_run()]), "--dataset", "bundled", "--name", "one")
    few = acc("stats", "--fail-under", "pass^1=0.1")
    assert few.code == 100
    assert few.error.startswith("pass^1 is 0.5, too few to tell (trials: 2 of 10 needed), where at least 0.1")
    assert ".500" in few.out
    assert "too few to tell" in few.out
    assert acc("stats", "--fail-under", "pass^3=0").code == 100
    assert "not known" in acc("stats", "--fail-under", "verdict_rate=1").error
    assert "it takes --baseline" in acc("stats", "--fail-over", "harmfulness=1").error
    assert "it takes labelled proposals" in acc("stats", "--fail-under", "auroc=0").error


def test_a_fact_of_the_record_is_held_against_its_value(database):
    keep(database, supervised())
    assert acc("stats", "--fail-under", "verdict_rate=1", "--fail-under", "critic_ok_rate=1").code == 0
    database.rows("DELETE FROM verdicts WHERE kind = 'revise'")
    assert "verdict_rate is 0.6667, where at least 1" in acc("stats", "--fail-under", "verdict_rate=1").error


def test_a_demand_that_cannot_be_meant_is_a_usage_error_that_lists_the_metrics(database):
    keep(database, paid("s1"))
    unknown = acc("stats", "--fail-under", "luck=1")
    assert unknown.code == 2
    assert all(metric in unknown.error for metric in ("pass^1", *METRICS))
    for text in ("success", "success=", "success=high", "success=nan", "pass^0=1", "pass^=1", "=1", ""):
        with pytest.raises(UsageError):
            demand(text)


def test_every_metric_is_held_against_the_cautious_end_of_its_interval(database):
    keep(database, supervised())
    many(database, failed=3)
    told = set()
    for entry in entries(database):
        for metric in (*METRICS, "pass^1"):
            found = value_of(entry, metric)
            for side, end, beyond in (("least", "low", 0.01), ("most", "high", -0.01)):
                held = getattr(found, end) if isinstance(found, Estimate) else found
                assert (metric in FACTS) <= (not isinstance(found, Estimate))
                if held is None:
                    assert not rulings([entry], [demand(f"{metric}=-1e9", side)])[0].met
                    continue
                told.add(metric)
                assert rulings([entry], [demand(f"{metric}={held!r}", side)])[0].met
                assert not rulings([entry], [demand(f"{metric}={held + beyond!r}", side)])[0].met
    assert told >= {"success", "pass^1", "verdict_rate", "critic_ok_rate", "scored_rate", "revision_rate"}


def test_the_metrics_of_the_help_text_are_those_there_are():
    text = acc("stats", "--help", width=200).out
    assert all(metric in text for metric in METRICS)


def test_without_a_record_it_says_how_to_get_one(database):
    for missing in (acc("stats"), acc("stats", "--db", "missing.db"), acc("stats", "--env", "nowhere")):
        assert missing.code == 3
        assert "acc demo" in missing.error


def test_shares_are_printed_to_three_decimals_without_the_zero(tmp_path):
    acc("import", write(tmp_path, [a_good_run(0), a_bad_run(1), a_bad_run(2)]), "--dataset", "bundled")
    shown = [line.split()[:2] for line in acc("stats").out.splitlines()]
    assert [row for row in shown if row[0].startswith("pass")] == [
        ["pass^1", ".333"],
        ["pass^2", ".000"],
        ["pass^3", ".000"],
    ]


def test_sessions_are_chosen_by_time(database):
    keep(database, paid("s1"))  # in September 2001
    assert acc("stats", "--since", "2001-01-01").code == 0
    assert acc("stats", "--since", "2002-01-01").code == acc("stats", "--since", "7d").code == 3
    for text in ("yesterday", "7", "", "2001-13-01"):
        assert acc("stats", "--since", text).code == 2, text


def test_the_default_screen_fits_80_columns(tmp_path, database):
    keep(database, supervised())
    many(database, failed=3)
    assert max(map(len, acc("stats", "--fail-under", "pass^2=0.9").out.splitlines())) <= 80


READERS = [
    "stats",
    "stats --by tool --by rule --by critic --by actor --junit {junit}",
    "stats --markdown",
    "sessions",
    "replay last",
    "replay last --json",
    "diff last last",
    "import {trace}",
    "export last",
]


@pytest.mark.parametrize("command", READERS)
def test_reading_the_record_loads_no_model_library(command, tmp_path):
    trace = Path(__file__).parents[1] / "traces" / "airline-cancel.jsonl"
    acc("import", trace)
    code = (
        "import sys\n"
        "from actorcritic_cli.cli.main import program\n"
        "try: program()(sys.argv[1:])\n"
        "except SystemExit as done: code = done.code\n"
        "names = 'litellm llama_cpp torch numpy gguf tokenizers scipy statsmodels'.split()\n"
        "heavy = [name for name in names if name in sys.modules]\n"
        "print('heavy:', heavy, file=sys.stderr); sys.exit(code or bool(heavy))\n"
    )
    words = command.format(trace=trace, junit=tmp_path / "stats.xml").split()
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1] == "heavy: []"
    assert done.returncode == 0


def test_pass_k_beyond_what_is_shown_can_be_demanded(database):
    many(database, failed=3, trials=9)
    assert acc("stats", "--fail-under", "pass^9=0.4").code == 0
    assert "pass^9 is 0.75 and may be as low as" in acc("stats", "--fail-under", "pass^9=0.75").error
    assert "pass^9" not in acc("stats").out


NASTY = 'a|b<c>&"\x1b[31mred\x07*_`'


def test_what_a_name_holds_means_nothing_in_markdown_and_xml(database, tmp_path):
    many(database, failed=3, actor=NASTY)
    path = tmp_path / "new" / "stats.xml"
    done = acc("stats", "--markdown", "--junit", path, "--fail-under", "pass^1=0.99", "--fail-under", "success=0.1")
    assert done.code == 100
    assert "\x1b" not in done.out
    assert 'actor a\\|b&lt;c\\>&"red\\*\\_\\`' in done.out
    assert done.out.startswith("## acc stats: 1 of 2 gates NOT met\n")
    assert "| **NOT MET** | pass^1 at least 0.99: 0.875 and may be as low as" in done.out
    (suite,) = ElementTree.parse(path).getroot()
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors"), suite.get("skipped")) == (
        "2",
        "1",
        "0",
        "0",
    )
    assert 'a|b<c>&"red' in suite.get("name")
    assert [len(case) for case in suite] == [1, 0]
    assert suite[0][0].get("message").startswith("pass^1 is 0.875 and may be as low as")


def test_without_gates_each_group_is_one_passed_case(database, tmp_path):
    many(database)
    many(database, actor="other")
    assert acc("stats", "--junit", tmp_path / "stats.xml").code == 0
    root = ElementTree.parse(tmp_path / "stats.xml").getroot()
    assert (root.tag, root.get("tests"), root.get("failures")) == ("testsuites", "2", "0")
    assert [case.get("name") for case in root.iter("testcase")] == ["measured"] * 2
    assert "success 1.000" in next(root.iter("system-out")).text


def test_a_report_that_cannot_be_written_is_one_sentence(database, tmp_path):
    many(database, tasks=1)
    (tmp_path / "file").touch()
    failed = acc("stats", "--junit", tmp_path / "file" / "stats.xml")
    assert (failed.code, failed.error.count(".") >= 1) == (1, True)
    assert "--junit" in failed.error
    assert acc("stats", "--json", "--markdown").code == 2


def test_actors_are_compared_in_one_table(database):
    many(database, failed=3)
    many(database, actor="other")
    lines = acc("stats", "--by", "actor").out.splitlines()
    assert [line.split()[0] for line in lines] == ["actor", "gpt", "other"]
    assert ".875" in lines[1]
    many(database, actor="third", failed=12)
    out = acc("stats", "--by", "actor", "--fail-under", "success=0.6").out
    assert out.count("NOT MET") == 1
    assert "Time and money" not in out
