"""The recorded actor proposes what was proposed then, attempt for attempt, and says when the recording is over."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

import pytest
from msgspec.structs import replace

from actorcritic_cli.actors.protocol import ActorContext, ActorFailed
from actorcritic_cli.actors.recorded import RecordedActor
from actorcritic_cli.envs import registry
from actorcritic_cli.errors import PartyError
from actorcritic_cli.exchange import trace
from actorcritic_cli.session.events import Acted, Decided, Ended, Event, Observed, Proposed, Started
from actorcritic_cli.session.loop import Parties, Session
from actorcritic_cli.session.state import begin
from actorcritic_cli.types import Attempt, Critique, Decision, Message, Proposal, Supervision, ToolCall
from actorcritic_cli.users.script import ScriptedUser

TRACES = Path(__file__).parents[1] / "traces"


def builder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_traces", TRACES / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def recorded(name: str) -> tuple[Event, ...]:
    (events,) = trace.read(TRACES / f"{name}.jsonl")
    return events


def at(step: int, rejected: int = 0) -> ActorContext:
    return ActorContext((), (), step, tuple(Attempt(Proposal(Message("assistant", "no"))) for _ in range(rejected)))


def call(name: str, call_id: str = "c1", raw: str | None = None) -> Message:
    return Message("assistant", tool_calls=(ToolCall(call_id, name, "{ }"),), raw=raw)


def test_a_revision_gets_the_next_recorded_proposal_and_then_the_last_one_again() -> None:
    actor = RecordedActor.from_events(recorded("airline-cancel"))
    first, second, third = (actor.propose(at(4, rejected)).proposal for rejected in range(3))
    assert first.message.tool_calls[0].name == "cancel_reservation"
    assert second.kind == "reply"
    assert third == second


def test_messages_keep_their_call_ids_and_the_providers_own_form() -> None:
    message = call("look", "toolu_7", raw='{"role": "assistant", "thinking": "…"}')
    actor = RecordedActor.from_messages(
        [Message("user", "Hi"), message, Message("tool", "x"), Message("assistant", "So")]
    )
    assert actor.propose(at(1)).proposal.message == message
    assert actor.propose(at(2)).proposal.message.content == "So"


@pytest.mark.parametrize("step", [0, 3])
def test_a_step_that_was_not_recorded_is_an_exhausted_recording_and_not_the_agents_fault(step: int) -> None:
    actor = RecordedActor.from_messages([Message("assistant", "a"), Message("assistant", "b")], source="old.jsonl")
    with pytest.raises(ActorFailed, match=f"The recording old.jsonl has no step {step}") as caught:
        actor.propose(at(step))
    assert isinstance(caught.value.error, PartyError)
    assert caught.value.error.kind == "exhausted"
    assert caught.value.error.infrastructure


def test_the_supervisors_own_hand_over_is_not_proposed_as_the_actors() -> None:
    mine, handover = Proposal(call("cancel")), Proposal(call("transfer", "handoff_1"), author="supervisor")
    events: list[Event] = [Proposed(1.0, 1, 0, mine), Proposed(2.0, 1, 1, handover), Acted(3.0, 1, 1, handover.message)]
    actor = RecordedActor.from_events(events)
    assert actor.propose(at(1)).proposal == mine
    assert actor.propose(at(1, rejected=1)).proposal == mine
    with pytest.raises(ActorFailed):
        RecordedActor.from_events(events[1:]).propose(at(1))


def test_a_malformed_proposal_is_malformed_again() -> None:
    events: list[Event] = [
        Proposed(1.0, 1, 0, Proposal(call("cancel")), problem="the arguments are no JSON"),
        Decided(2.0, 1, 0, Decision("revise", "malformed"), Critique("…", by="protocol")),
        Proposed(3.0, 1, 1, Proposal(call("cancel"))),
    ]
    actor = RecordedActor.from_events(events)
    assert actor.propose(at(1)).problem == "the arguments are no JSON"
    assert actor.propose(at(1, rejected=1)).problem is None


def test_a_recording_of_accepted_messages_alone_is_enough() -> None:
    actor = RecordedActor.from_events([Acted(1.0, 1, 0, call("look")), Acted(2.0, 2, 1, Message("assistant", "So"))])
    assert actor.propose(at(2)).proposal.message.content == "So"


def test_the_name_says_where_the_recording_came_from() -> None:
    assert RecordedActor.from_events([], source="traces/x.jsonl").name == "recorded:traces/x.jsonl"


@pytest.mark.parametrize("name", ["airline-baggage", "airline-cancel", "airline-refusal"])
def test_building_an_example_trace_again_gives_the_same_bytes(name: str, tmp_path: Path) -> None:
    builder().main(tmp_path)
    assert (tmp_path / f"{name}.jsonl").read_bytes() == (TRACES / f"{name}.jsonl").read_bytes()


@pytest.mark.parametrize(
    ("name", "reward", "rejected"),
    [("airline-cancel", 1.0, 1), ("airline-refusal", 1.0, 2), ("airline-baggage", 0.0, 0)],
)
def test_the_examples_end_as_they_say(name: str, reward: float, rejected: int) -> None:
    events = recorded(name)
    started, ended = events[0], events[-1]
    assert isinstance(started, Started)
    assert isinstance(ended, Ended)
    assert ended.reward is not None
    assert ended.reward.value == reward
    decisions = [event for event in events if isinstance(event, Decided)]
    critiques = [event.critique for event in decisions if event.decision.kind == "revise"]
    assert len(critiques) == rejected
    assert all(critique is not None and critique.rule in started.messages[0].content for critique in critiques)  # type: ignore[operator]
    assert 6 <= len([event for event in events if isinstance(event, Proposed)]) <= 14
    assert (started.critic is None) == (name == "airline-baggage")
    assert started.critic is None or "by hand" in started.critic.info["note"]


@pytest.mark.parametrize("name", ["airline-baggage", "airline-cancel", "airline-refusal"])
def test_holding_an_example_again_with_its_recorded_actor_reproduces_it(name: str) -> None:
    events = recorded(name)
    again = hold_again(events, critic_from=name)
    assert public(again) == public(events)
    ended, before = again[-1], events[-1]
    assert isinstance(ended, Ended)
    assert isinstance(before, Ended)
    assert (ended.reward, ended.state) == (before.reward, before.state)


def test_without_its_critic_the_recorded_wrong_call_takes_effect() -> None:
    events = recorded("airline-refusal")
    again = hold_again(events, critic_from=None)
    acted = [call.name for message in public(again) for call in message.tool_calls]
    assert "cancel_reservation" in acted
    assert isinstance(again[-1], Ended)
    assert isinstance(events[-1], Ended)
    assert again[-1].state != events[-1].state


def public(events: Iterable[Event]) -> list[Message]:
    """Return the transcript that the events make: what was accepted and what came back."""
    return [
        message
        for event in events
        if isinstance(event, (Acted, Observed))
        for message in ((event.message,) if isinstance(event, Acted) else event.messages)
    ]


def hold_again(events: tuple[Event, ...], critic_from: str | None) -> list[Event]:
    """Hold a recorded session again with its own proposals; ``critic_from`` names the example whose critic judges."""
    started = events[0]
    assert isinstance(started, Started)
    assert started.task is not None
    environment = registry.load(started.spec.env, started.spec.dataset)
    critic, spec = None, started.spec
    if critic_from is None:
        spec = replace(spec, supervision=Supervision(mode="off"))
    elif started.critic is not None:
        build = builder()
        rejections = {
            f"call_{step}_{attempt}": made.objection
            for example in build.EXAMPLES
            if example.name == critic_from
            for step, proposals in enumerate(example.steps, start=1)
            for attempt, made in enumerate(proposals)
            if isinstance(made, build.Call) and made.objection is not None
        }
        critic = build.ExampleCritic(rejections)
    parties = Parties(
        environment=environment,
        episode=environment.open(started.task),
        actor=RecordedActor.from_events(events),
        user=ScriptedUser.from_task(started.task),
        critic=critic,
    )
    return list(Session(parties, begin(replace(started, spec=spec)), clock=lambda: started.at).events())
