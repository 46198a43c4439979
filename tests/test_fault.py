"""Whose failure a failed session is."""

from __future__ import annotations

from msgspec.structs import replace

from actorcritic_cli.actors.protocol import ActorFailed
from actorcritic_cli.envs import registry
from actorcritic_cli.errors import PartyError
from actorcritic_cli.session.arbiter import Ruling
from actorcritic_cli.session.build import task_for
from actorcritic_cli.session.events import Ended
from actorcritic_cli.store.database import open_database
from actorcritic_cli.store.library import Library
from actorcritic_cli.store.recorder import Recorder
from actorcritic_cli.types import Label, Supervision, Verdict
from actorcritic_cli.users.protocol import UserFailed
from tests.parties import RuleCritic, Rulings, actor_of, call, reply, session_of

STOP = "###STOP###"
TASK = task_for(registry.load("tau_airline"), "cancel-01")
RIGHT = call(TASK.actions[-1].name, TASK.actions[-1].arguments)


def fault(session) -> str | None:
    ended = list(session.events())[-1]
    assert isinstance(ended, Ended)
    return ended.fault


def labelled(proposing, label):
    return replace(proposing, label=Label(label))


def test_a_success_and_an_unscored_chat_are_nobodys_failure():
    solved, _ = session_of(actor_of(RIGHT, reply("Done")), ["Hi", STOP], task=TASK)
    assert fault(solved) is None
    chat, _ = session_of(actor_of(reply("Done")), ["Hi", STOP])
    assert fault(chat) is None


def test_an_unsolved_task_is_the_actors_failure():
    session, _ = session_of(actor_of(reply("Done")), ["Hi", STOP], task=TASK)
    assert fault(session) == "actor"


def test_a_right_proposal_replaced_by_a_wrong_one_is_the_critics_failure():
    critic = RuleCritic(lambda case: 0.9 if case.proposal.message.tool_calls else 0.1)
    steps = [labelled(RIGHT, "approve"), labelled(reply("I cannot cancel that."), "revise")]
    session, _ = session_of(actor_of(steps), ["Hi", STOP], critic=critic, task=TASK)
    assert fault(session) == "critic"


def test_a_wrong_proposal_replaced_by_another_wrong_one_stays_the_actors():
    critic = RuleCritic(lambda case: 0.9 if case.proposal.message.tool_calls else 0.1)
    steps = [labelled(call("cancel_reservation", {"reservation_id": "X"}), "revise"), labelled(reply("No."), "revise")]
    session, _ = session_of(actor_of(steps), ["Hi", STOP], critic=critic, task=TASK)
    assert fault(session) == "actor"


def test_stopping_is_the_critics_failure_unless_all_it_rejected_is_known_to_be_wrong():
    supervision = Supervision(out_of_revisions="stop", max_revisions=0)

    def stopped(proposing):
        critic = RuleCritic(lambda case: 0.9)
        session, _ = session_of(actor_of(proposing), ["Hi", STOP], critic=critic, supervision=supervision, task=TASK)
        return fault(session)

    assert stopped(RIGHT) == "critic"
    assert stopped(labelled(RIGHT, "approve")) == "critic"
    assert stopped(labelled(reply("Nonsense"), "revise")) == "actor"


def test_what_a_person_stopped_is_nobodys_failure():
    session, _ = session_of(
        actor_of(RIGHT), ["Hi", STOP], critic=RuleCritic(lambda case: 0.9), task=TASK,
        supervision=Supervision(out_of_revisions="ask", max_revisions=0), arbiter=Rulings(Ruling("stop")),
    )  # fmt: skip
    assert fault(session) is None


def test_a_handover_because_the_critic_is_broken_is_the_critics_failure():
    broken = RuleCritic(lambda case: Verdict("no_verdict", "rule", why="crash"))
    supervision = Supervision(on_critic_error="block", out_of_revisions="handoff", max_revisions=1)
    session, _ = session_of(actor_of(RIGHT), ["Hi", STOP], critic=broken, supervision=supervision, task=TASK)
    assert fault(session) == "critic"


def test_network_and_user_failures_are_never_the_agents(monkeypatch):
    actor = actor_of(reply("x"))
    actor.propose = lambda context: (_ for _ in ()).throw(ActorFailed(PartyError("gone", kind="network")))
    session, _ = session_of(actor, ["Hi"], task=TASK)
    assert fault(session) == "infrastructure"
    session, _ = session_of(actor_of(reply("x")), ["Hi"], task=TASK)
    session.parties.user.speak = lambda t: (_ for _ in ()).throw(UserFailed(PartyError("odd", kind="protocol")))
    assert fault(session) == "user"


def test_a_tool_that_breaks_the_episode_is_the_environments_failure():
    send = call("send_certificate", {"user_id": "ines_varga_7610", "amount": 1})
    session, _ = session_of(actor_of(*[send] * 5), ["Hi", STOP], task=TASK)
    assert fault(session) == "environment"


def test_the_fault_is_on_record_and_counted(tmp_path):
    session, started = session_of(actor_of(reply("Done")), ["Hi", STOP], task=TASK)
    with open_database(tmp_path / "a.db") as database:
        recorder = Recorder(database)
        events = [started, *session.events()]
        for event in events:
            recorder.record(event)
        assert list(Library(database).events("s1")) == events
        from actorcritic_cli.analysis.measures import measure
        from actorcritic_cli.store.measures import group_counts

        (group,) = measure(group_counts(database))
        assert group.faults == {"actor": 1}
