"""Several critics as one: what rule makes of their verdicts, who is left out, and what is on record."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorcritic_cli.critics.client import LlamaCritic
from actorcritic_cli.critics.panel import RULES, Panel, combine, panel
from actorcritic_cli.critics.protocol import Case, Compares, ReadsAhead
from actorcritic_cli.critics.resolve import resolve_all
from actorcritic_cli.errors import AccError, UsageError
from actorcritic_cli.session.events import Judged, Started
from actorcritic_cli.store.database import open_database
from actorcritic_cli.store.library import Library
from actorcritic_cli.types import Comparison, CriticIdentity, Critique, Message, ModelCall, Proposal, Verdict
from tests.cli import acc, acc_ok
from tests.critic_cases import case, tiny

TRACE = Path(__file__).parents[1] / "traces" / "airline-cancel.jsonl"


class Sayer:
    """A critic that says what it was told to."""

    def __init__(self, name: str, said: float | Verdict | Exception, threshold: float = 0.5):
        self.said, self.threshold = said, threshold
        self.identity = CriticIdentity(name, name, prompt_version="1", threshold=threshold)
        self.closed = 0

    def start(self) -> None:
        if isinstance(self.said, AccError):
            raise self.said

    def judge(self, case: Case) -> Verdict:
        if isinstance(self.said, Exception):
            raise self.said
        if isinstance(self.said, Verdict):
            return self.said
        revise = self.said >= self.threshold
        critique = Critique(f"{self.identity.name} objects") if revise else None
        return Verdict(
            "revise" if revise else "approve", self.identity.id, self.said, self.threshold, critique=critique
        )

    def close(self) -> None:
        self.closed += 1


class Comparer(Sayer):
    """One that can compare as well."""

    def __init__(self, name: str, scores: tuple[float, ...]):
        super().__init__(name, 0.5)
        self.scores = scores

    def compare(self, case: Case, candidates: tuple[Proposal, ...]) -> Comparison:
        return Comparison(self.identity.id, self.scores, None if self.scores else "timeout", "too slow")


def silent(name: str, why: str = "timeout") -> Sayer:
    return Sayer(name, Verdict("no_verdict", name, why=why, message=f"{name} was silent"))


def three(a: float, b: float, c: float) -> list[Sayer]:
    return [Sayer("a", a), Sayer("b", b), Sayer("c", c)]


probabilities = st.floats(0, 1)
said = st.lists(st.tuples(probabilities, probabilities), min_size=1, max_size=7)


@given(said)
def test_any_objects_exactly_where_a_member_does(pairs):
    p_revise, threshold = combine("any", pairs)
    assert (p_revise >= threshold) == any(p >= t for p, t in pairs)


@given(said)
def test_a_majority_objects_exactly_where_half_of_the_members_do(pairs):
    p_revise, threshold = combine("majority", pairs)
    assert (p_revise >= threshold) == (2 * sum(p >= t for p, t in pairs) >= len(pairs))


@given(said)
def test_the_mean_lies_between_its_members(pairs):
    p_revise, threshold = combine("mean", pairs)
    assert min(p for p, _ in pairs) <= p_revise <= max(p for p, _ in pairs)
    assert min(t for _, t in pairs) <= threshold <= max(t for _, t in pairs)


@given(said, st.sampled_from(RULES), st.randoms())
def test_the_order_of_the_members_does_not_matter(pairs, rule, random):
    shuffled = list(pairs)
    random.shuffle(shuffled)
    first, second = combine(rule, pairs), combine(rule, shuffled)
    assert (first[0] >= first[1]) == (second[0] >= second[1])


@given(st.lists(probabilities, min_size=1, max_size=7), probabilities, st.sampled_from(RULES))
def test_members_with_one_threshold_have_it_as_a_panel(values, threshold, rule):
    assert combine(rule, [(p, threshold) for p in values])[1] == threshold


@pytest.mark.parametrize(
    ("rule", "kind", "p_revise"), [("any", "revise", 0.9), ("majority", "approve", 0.4), ("mean", "approve", 0.475)]
)
def test_each_rule_makes_its_verdict_and_keeps_those_of_the_members(rule, kind, p_revise):
    verdict = panel(three(0.9, 0.4, 0.125), rule).judge(case())
    assert (verdict.kind, verdict.threshold) == (kind, 0.5)
    assert verdict.p_revise == pytest.approx(p_revise)
    assert [(m["name"], m["kind"], m["p_revise"]) for m in verdict.detail["members"]] == [
        ("a", "revise", 0.9), ("b", "approve", 0.4), ("c", "approve", 0.125),
    ]  # fmt: skip
    assert (verdict.critique is not None) == (kind == "revise")


def test_the_critique_is_that_of_the_surest_member_who_wrote_one():
    mute = Verdict("revise", "d", 0.95, 0.5)
    verdict = panel([*three(0.6, 0.8, 0.1), Sayer("d", mute)]).judge(case())
    assert verdict.p_revise == 0.95
    assert verdict.critique.text == "b objects"


def test_a_member_without_a_verdict_is_left_out():
    verdict = panel([Sayer("a", 0.2), silent("b"), Sayer("c", 0.7)], "majority").judge(case())
    assert (verdict.kind, verdict.p_revise) == ("revise", 0.7)
    assert verdict.detail["members"][1]["why"] == "timeout"


def test_a_member_that_breaks_its_word_and_raises_is_left_out_too():
    verdict = panel([Sayer("a", 0.2), Sayer("b", RuntimeError("oops"))]).judge(case())
    assert (verdict.kind, verdict.p_revise) == ("approve", 0.2)
    assert "oops" in verdict.detail["members"][1]["message"]


def test_without_any_verdict_the_panel_has_none_and_says_what_each_said():
    verdict = panel([silent("a", "crash"), silent("b"), silent("c")]).judge(case())
    assert (verdict.kind, verdict.why, verdict.p_revise) == ("no_verdict", "timeout", None)
    assert all(f"{name} was silent" in verdict.message for name in "abc")


def test_members_judge_at_the_same_time():
    meeting = threading.Barrier(2, timeout=30)

    class Waiter(Sayer):
        def judge(self, case: Case) -> Verdict:
            meeting.wait()  # passes only if the other one judges meanwhile
            return super().judge(case)

    assert panel([Waiter("a", 0.1), Waiter("b", 0.1)]).judge(case()).kind == "approve"


def test_what_the_members_calls_cost_is_kept():
    paid = [Verdict("approve", name, 0.1, 0.5, calls=(ModelCall("critic", name, cost=0.5),)) for name in "ab"]
    verdict = panel([Sayer(v.critic, v) for v in paid]).judge(case())
    assert [call.model for call in verdict.calls] == ["a", "b"]


def test_the_identity_is_that_of_members_and_rule_whatever_their_order():
    one, turned = panel(three(0, 0, 0)), panel(three(0, 0, 0)[::-1])
    assert one.identity.id == turned.identity.id
    assert one.identity.name == "any of a, b, c"
    others = [panel(three(0, 0, 0), "mean"), panel(three(0, 0, 0)[:2]), panel([Sayer("a", 0), Sayer("d", 0)])]
    assert len({p.identity.id for p in [one, *others]}) == 4
    assert [m["id"] for m in one.identity.info["members"]] == ["a", "b", "c"]


def test_a_panel_compares_if_all_members_can_and_takes_their_mean():
    able = panel([Comparer("a", (0.5, 0.5)), Comparer("b", (0.75, 0.25)), Comparer("c", ())])
    assert isinstance(able, Compares)
    both = (Proposal(Message("assistant", "x")), Proposal(Message("assistant", "y")))
    assert able.compare(case(), both).scores == (0.625, 0.375)
    nobody = panel([Comparer("a", ()), Comparer("b", ())]).compare(case(), both)
    assert (nobody.scores, nobody.why, nobody.best) == ((), "timeout", None)
    assert not isinstance(panel([Comparer("a", (1.0,)), Sayer("b", 0)]), Compares)


def test_a_member_that_cannot_start_is_said_at_once():
    members = [Sayer("a", 0.1), Sayer("b", AccError("b.gguf can't be loaded; name another."))]
    with pytest.raises(AccError, match="can't be loaded"):
        panel(members).start()


def test_one_critic_is_no_panel_and_twice_the_same_neither():
    with pytest.raises(UsageError, match="two critics"):
        Panel([Sayer("a", 0)])
    with pytest.raises(UsageError, match="twice"):
        Panel([Sayer("a", 0), Sayer("a", 0)])
    with pytest.raises(UsageError, match="rule"):
        resolve_all([str(tiny())], {"panel": "loudest"})


def test_two_models_judge_as_each_does_alone_and_die_one_by_one():
    paths = [str(tiny(seed=2)), str(tiny(seed=5))]
    with LlamaCritic(paths[0], 0.5, threads=1) as a, LlamaCritic(paths[1], 0.5, threads=1) as b:
        alone = [critic.judge(case()).p_revise for critic in (a, b)]
    both = resolve_all(paths, {"threshold": 0.5, "threads": 1, "panel": "mean"})
    try:
        assert isinstance(both, Panel)
        assert isinstance(both, ReadsAhead)
        both.start()
        verdict = both.judge(case())
        assert verdict.p_revise == pytest.approx(sum(alone) / 2, abs=1e-6)
        both.members[0].close()
        left = both.judge(case())
        assert left.p_revise == pytest.approx(alone[1], abs=1e-6)
        assert left.detail["members"][0]["why"] == "crash"
        pid = both.members[1].worker_pid
    finally:
        both.close()
    until = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists() and time.monotonic() < until:
        time.sleep(0.02)
    assert both.judge(case()).kind == "no_verdict"


@pytest.mark.slow
def test_a_session_under_a_panel_is_recorded_told_and_counted(acc_home):
    two = ["--critic", tiny(seed=2), "--critic", tiny(seed=5)]
    options = ["--actor", "sim:expert", "--user", "script", "--task", "cancel-01", "--panel", "majority"]
    done = acc("chat", *options, "--threshold", "1", *two)
    assert done.returncode == 0, done.stderr
    with open_database(acc_home / "acc.db", create=False) as database:
        events = list(Library(database).events(Library(database).find_session("last")))
    started = next(e for e in events if isinstance(e, Started))
    assert (started.spec.critic, started.spec.panel) == (str(two[1]), (str(two[3]),))
    assert started.critic.info["panel"] == "majority"
    judged = [e.verdict for e in events if isinstance(e, Judged)]
    assert judged
    assert all(len(v.detail["members"]) == 2 and v.threshold == 1 for v in judged)
    name = started.critic.name
    assert name.startswith("majority of acc random-weight critic")
    assert name in acc_ok("replay", "last")
    assert "approves 0." in acc_ok("replay", "last")
    assert name in acc_ok("stats")
    assert acc_ok("db", "verify")


def test_a_panel_rule_without_a_panel_cannot_be_meant():
    done = acc("chat", "--actor", f"recorded:{TRACE}", "--critic", tiny(), "--panel", "mean")
    assert done.returncode == 2
    assert "--critic once for each" in done.stderr
