"""Sessions as an evaluation log of Inspect (``inspect_ai``), in its JSON form, version 2.

A session is a sample: its task is the sample's id, its trial the epoch (counted from 1), its reward the score ``reward``.
What acc knows beside that stands in ``metadata`` under ``acc``, the rejected proposals with their verdicts among it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct

from actorcritic_cli import __version__
from actorcritic_cli.errors import UsageError
from actorcritic_cli.exchange.to_chat import message as chat_message
from actorcritic_cli.exchange.to_chat import metadata, tool
from actorcritic_cli.exchange.to_tau_bench import check_once
from actorcritic_cli.exchange.told import Said, Told
from actorcritic_cli.types import Message

Json = dict[str, Any]
FREE = "free"
"""The id of a sample that has no task."""


class Common(Struct, frozen=True):
    """What is known of the sessions before they are read: how they scored, and how many trials there are."""

    rewards: tuple[float | None, ...]
    tasks: tuple[str, ...]
    trials: int


def chunks(sessions: Iterable[Told], common: Common) -> Iterator[bytes]:
    """Yield the file piece by piece. Raises ``UsageError`` for sessions that one log cannot hold."""
    first: Told | None = None
    seen: dict[tuple[str, int], str] = {}
    for session in sessions:
        if first is None:
            first = session
            yield json.dumps(_head(session, common))[:-1].encode() + b', "samples": [\n'
        else:
            yield b",\n"
        for what, one, other in (
            ("environment", first.started.spec.env, session.started.spec.env),
            ("actor", first.actor, session.actor),
        ):
            if one != other:
                raise UsageError(
                    f"Sessions {first.started.session} and {session.started.session} differ in their {what} ({one}, "
                    f"{other}), of which an Inspect log has one; export each run to its own file."
                )
        check_once(seen, session)
        yield json.dumps(_sample(session)).encode()
    yield b"\n]}\n"


def _head(session: Told, common: Common) -> Json:
    spec, started = session.started.spec, session.started
    run = started.run or started.session
    known = [reward for reward in common.rewards if reward is not None]
    mean = sum(known) / len(known) if known else 0.0
    scorer = "reward"
    return {
        "version": 2,
        "status": "success",
        "eval": {
            "eval_id": run,
            "run_id": run,
            "created": _time(started.at),
            "task": spec.env,
            "task_id": run,
            "task_version": 0,
            "dataset": {
                "name": spec.dataset,
                "samples": len(common.tasks),
                "sample_ids": list(common.tasks),
                "shuffled": False,
            },
            "model": session.actor,
            "config": {"epochs": common.trials},
            "packages": {"actorcritic-cli": __version__},
            "metadata": {"acc": {"env": spec.env, "dataset": spec.dataset, "user": session.user}},
            "scorers": [{"name": scorer, "metrics": [{"name": "inspect_ai/mean"}]}],
        },
        "plan": {"name": "plan", "steps": [{"solver": "acc", "params": {}}], "config": {}},
        "results": {
            "total_samples": len(common.rewards),
            "completed_samples": len(known),
            "scores": [
                {
                    "name": scorer,
                    "scorer": scorer,
                    "scored_samples": len(known),
                    "unscored_samples": len(common.rewards) - len(known),
                    "params": {},
                    "metrics": {"mean": {"name": "mean", "value": mean, "params": {}}},
                }
            ],
        },
        "stats": {"started_at": _time(started.at), "completed_at": "", "model_usage": {}},
    }


def _sample(session: Told) -> Json:
    started, ended = session.started, session.ended
    said = list(session.said)
    opening = [_message(message) for message in session.opening]
    heard: list[Said] = []
    while said and said[0].message.role != "assistant":
        heard.append(said.pop(0))
    usage = _usage(session)
    sample: Json = {
        "id": started.spec.task_id or FREE,
        "epoch": started.spec.trial + 1,
        "input": [*opening, *(_message(one.message) for one in heard)],
        "target": "",
        "messages": [
            *(_message(m) for m in session.opening),
            *(_message(one.message, one.error) for one in session.said),
        ],
        "output": _output(session, usage),
        "scores": {},
        "metadata": {
            "acc": {
                **metadata(session),
                "task": msgspec.to_builtins(started.task),
                "tools": [tool(known) for known in started.tools],
                "rejected": [
                    {
                        "after": rejected.before,
                        "message": chat_message(rejected.proposal.message),
                        "decision": rejected.decision,
                        "p_revise": rejected.verdict.p_revise if rejected.verdict else None,
                        "critique": rejected.critique.text if rejected.critique else None,
                    }
                    for rejected in session.rejected
                ],
            }
        },
        "store": {},
        "events": [],
        "model_usage": {session.actor: usage} if usage else {},
        "started_at": _time(started.at),
        "completed_at": _time(ended.at),
        "total_time": max(0.0, ended.at - started.at),
        "uuid": started.session,
    }
    if session.reward is not None:
        info = ended.reward.info if ended.reward else {}
        sample["scores"] = {"reward": {"value": session.reward, "answer": _last_reply(session), "metadata": info}}
    if ended.reason in ("infrastructure_error", "user_error", "actor_error") and session.reward is None:
        text = ended.message or ended.reason
        sample["error"] = {"message": text, "traceback": "", "traceback_ansi": ""}
    limits = {"max_turns": "message", "max_seconds": "time", "max_cost": "cost", "stopped": "operator"}
    if ended.reason in limits:
        sample["limit"] = {"type": limits[ended.reason], "limit": float(_limit(session))}
    return sample


def _limit(session: Told) -> float:
    limits = session.started.spec.limits
    named = {"max_turns": limits.max_turns, "max_seconds": limits.max_seconds, "max_cost": limits.max_cost}
    return float(named.get(session.ended.reason) or len(session.said))


def _message(message: Message, failed: bool = False) -> Json:
    """Return a message in Inspect's form."""
    match message.role:
        case "assistant":
            made: Json = {"role": "assistant", "content": message.content or "", "source": "generate"}
            if message.tool_calls:
                made["tool_calls"] = [_call(call.id, call.name, call.arguments) for call in message.tool_calls]
            return made
        case "tool":
            made = {
                "role": "tool",
                "content": message.content or "",
                "tool_call_id": message.tool_call_id,
                "function": message.name,
            }
            if failed:
                made["error"] = {"type": "unknown", "message": message.content or ""}
            return made
        case _:
            return {"role": message.role, "content": message.content or ""}


def _call(call_id: str, name: str, arguments: str) -> Json:
    try:
        parsed = json.loads(arguments)
    except (ValueError, RecursionError):
        parsed = None
    if not isinstance(parsed, dict):
        return {"id": call_id, "function": name, "arguments": {}, "parse_error": arguments, "type": "function"}
    return {"id": call_id, "function": name, "arguments": parsed, "type": "function"}


def _output(session: Told, usage: Json | None) -> Json:
    found: Json = {"model": session.actor, "choices": []}
    replies = [said.message for said in session.said if said.message.role == "assistant"]
    if replies:
        stop = "tool_calls" if replies[-1].tool_calls else "stop"
        found["choices"] = [{"message": _message(replies[-1]), "stop_reason": stop}]
    if usage:
        found["usage"] = usage
    return found


def _usage(session: Told) -> Json | None:
    """Return the tokens of the actor's calls that led to what was accepted, as far as they are known."""
    calls = [said.call for said in session.said if said.call is not None and said.call.party == "actor"]
    pairs = [(call.usage.input_tokens, call.usage.output_tokens) for call in calls]
    if not pairs or all(None in pair for pair in pairs):
        return None
    tokens_in = sum(pair[0] or 0 for pair in pairs)
    tokens_out = sum(pair[1] or 0 for pair in pairs)
    return {"input_tokens": tokens_in, "output_tokens": tokens_out, "total_tokens": tokens_in + tokens_out}


def _last_reply(session: Told) -> str:
    replies = [said.message for said in session.said if said.message.role == "assistant" and said.message.content]
    return (replies[-1].content or "") if replies else ""


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()
