"""Examples in one sequence, and the figures that training shows: pure functions, which need no torch.

They stand apart from the other tests of training because hypothesis looks through all loaded modules, which takes a minute
where transformers is among them.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from actorcritic_cli.learn.training.examples import Example
from actorcritic_cli.learn.training.measures import auroc, caught_at
from actorcritic_cli.learn.training.packing import Pack, packs


@st.composite
def families(draw: st.DrawFn) -> list[Example]:
    trunk = draw(st.lists(st.integers(3, 9), min_size=2, max_size=8))
    found = []
    for number in range(draw(st.integers(1, 5))):
        stem = trunk[: draw(st.integers(1, len(trunk)))]
        own = draw(st.lists(st.integers(3, 9), max_size=4))
        answer = draw(st.sampled_from([(1,), (2, 7, 8), (2, 8)]))
        found.append(Example(str(number), (*stem, *own), answer, answer[0] == 2))
    return found


def seen_by(pack: Pack) -> dict[int, list[int]]:
    """Place of a token → places of the tokens that it sees."""
    return {
        start + row: [start + int(place) for place in seen[row].nonzero()[0]]
        for start, end, seen in pack.sees()
        for row in range(end - start)
    }


@given(families(), st.booleans())
def test_in_a_pack_each_token_sees_its_own_example_and_nothing_else(made: list[Example], alike: bool) -> None:
    if alike:  # enough in common to be one tree
        made = [replace(one, prompt=(3,) * 60 + one.prompt) for one in made]
    most = 72 if alike else 12
    found = list(packs(made, most))
    assert sorted(one.row for pack in found for one in pack.examples) == sorted(one.row for one in made)
    for pack in found:
        sees = seen_by(pack)
        assert not alike or len(pack.blocks) == 2
        assert len(pack.tokens) <= max(most, max(len(one.tokens) for one in pack.examples))
        for number, (one, after) in enumerate(zip(pack.examples, pack.verdicts, strict=True)):
            assert tuple(pack.tokens[sees[after]]) == one.prompt
            assert list(pack.positions[sees[after]]) == list(range(len(one.prompt)))
            mine = pack.critiques[pack.critiques[:, 2] == number]
            assert tuple(mine[:, 1]) == one.answer[1:]
            for place, (after_, _, _) in enumerate(mine, start=1):
                assert tuple(pack.tokens[sees[after_]]) == (*one.prompt, *one.answer[:place])
        prefixes = {one.prompt[:end] for one in pack.examples for end in range(2, len(one.prompt) + 1)}
        told = [(*pack.tokens[sees[after]], following) for after, following in pack.reading]
        assert sorted(told) == sorted(prefixes)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_the_figures_shown_are_what_their_definitions_say(revise: list[float], approve: list[float]) -> None:
    pairs = [(a > b) + (a == b) / 2 for a in revise for b in approve]
    assert auroc(revise, approve) == pytest.approx(sum(pairs) / len(pairs))
    best = max(
        sum(p >= bar for p in revise) / len(revise)
        for bar in (*revise, *approve, 2.0)
        if sum(p >= bar for p in approve) <= 0.2 * len(approve) + 1e-9
    )
    assert caught_at(revise, approve, 0.2) == pytest.approx(best)
