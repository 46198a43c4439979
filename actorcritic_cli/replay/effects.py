"""What a session did to its environment: the records that were added, removed or changed.

The record keeps calls and results, not the database. Tools are deterministic, so the accepted calls, run again on a fresh
state, give the database as it became; where a result is not the recorded one, that is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from msgspec import Struct

from actorcritic_cli.envs.protocol import Environment, Records, ShowsRecords
from actorcritic_cli.replay.json_paths import PathChange, path_changes
from actorcritic_cli.replay.story import Story
from actorcritic_cli.replay.verify import compare_turn


class RecordChange(Struct, frozen=True):
    """A record that a session added, removed or changed. ``record`` is the whole one, where it was added or removed;
    ``paths`` says where it changed."""

    table: str
    key: str
    kind: Literal["added", "removed", "changed"]
    record: Any = None
    paths: tuple[PathChange, ...] = ()


class Effects(Struct, frozen=True):
    """What a session did. ``changes`` is ``None`` where it cannot be known, and ``note`` then says why."""

    changes: tuple[RecordChange, ...] | None
    note: str = ""


def effects_of(story: Story, environment: Environment) -> Effects:
    """Run a session's accepted calls on a fresh state and return what became different."""
    episode = environment.open(story.started.task)
    if not isinstance(episode, ShowsRecords):
        return Effects(None, f"{environment.name} does not show its records")
    before = episode.records()
    if before is None:
        return Effects(None, f"the state of {environment.name} has no records that can be compared")
    differing = [d for turn in story.turns for d, _ in compare_turn(turn, episode) if d is not None]
    note = ""
    if differing:
        note = (
            f"{differing[0].tool} in turn {differing[0].step} does not give today what is on record, so this may not be "
            "what happened then"
        )
    return Effects(record_changes(before, episode.records() or {}), note)


def record_changes(before: Records, after: Records) -> tuple[RecordChange, ...]:
    """Return the records that differ, in the order of their tables."""
    found: list[RecordChange] = []
    for table in [*before, *(table for table in after if table not in before)]:
        one, two = before.get(table, {}), after.get(table, {})
        for key in [*one, *(key for key in two if key not in one)]:
            if key not in two:
                found.append(RecordChange(table, str(key), "removed", one[key]))
            elif key not in one:
                found.append(RecordChange(table, str(key), "added", two[key]))
            elif one[key] is not two[key] and (paths := path_changes(one[key], two[key])):
                found.append(RecordChange(table, str(key), "changed", paths=paths))
    return tuple(found)


def shared(one: Sequence[RecordChange], two: Sequence[RecordChange]) -> list[RecordChange]:
    """Return the changes that both made."""
    return [change for change in one if change in two]
