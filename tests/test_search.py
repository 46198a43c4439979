"""Finding sessions: by what they are, and by what was said in them."""

from __future__ import annotations

import io
import string
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from actorcritic_cli.actors.protocol import Proposing
from actorcritic_cli.cli.since import since_of
from actorcritic_cli.errors import UsageError
from actorcritic_cli.exchange import trace
from actorcritic_cli.paths import database_path
from actorcritic_cli.session.arbiter import Ruling
from actorcritic_cli.session.events import Ended, Started
from actorcritic_cli.store.database import open_database
from actorcritic_cli.store.filters import Filter
from actorcritic_cli.store.library import Library
from actorcritic_cli.store.recorder import Recorder
from actorcritic_cli.store.search import bring_up_to_date, expression, hits, texts_of
from actorcritic_cli.store.verify import verify
from actorcritic_cli.text import printable
from actorcritic_cli.types import Critique, Message, Proposal, Supervision, Verdict
from tests.parties import IDENTITY, RuleCritic, Rulings, actor_of, call, reply, session_of
from tests.program import acc


def objecting(*rules: str):
    """A critic that objects as often as it has rules, one after another, and then to nothing."""
    left = list(rules)

    def rule(case):
        if not left:
            return 0.1
        name = left.pop(0)
        return Verdict(
            "revise", "rule", 0.9, 0.5, critique=Critique(f"{name} The date is odd.", name, "wrong", "right")
        )

    return RuleCritic(rule)


def held(name: str, *steps, lines=("Hi", "###STOP###"), at: float = 1e9, critic=None, **options):
    session, started = session_of(actor_of(*steps), list(lines), critic=critic, **options)
    events = [started, *session.events()]
    return [replace(started, session=name, at=at), *events[1:]]


def record(database, events):
    recorder = Recorder(database)
    for event in events:
        recorder.record(event)


@pytest.fixture
def database():
    with open_database(database_path()) as opened:
        yield opened


def found(database, query: str) -> set[str]:
    bring_up_to_date(database)
    return {s.id for s in Library(database).sessions(Filter(text=query))}


def ids(*arguments) -> list[str]:
    return [s["id"] for s in acc("sessions", "--json", *arguments).json]


def test_everything_that_is_said_or_done_is_found_and_the_policy_is_not(database):
    record(
        database,
        held(
            "supervised",
            [reply("Thrown away zebra."), reply("Kept giraffe.")],
            call("get_user_details", {"user_id": "mia_li_3668", "more": {"deep": "ocelot"}}),
            reply("Bye."),
            lines=("Hello walrus", "Go on, tapir", "###STOP###"),
            critic=objecting("Rule lemur."),
        ),
    )
    record(database, held("other", reply("Nothing of the kind.")))
    for word in ("zebra", "giraffe", "mia_li_3668", "ocelot", "walrus", "tapir", "lemur", "get_user_details"):
        assert found(database, word) == {"supervised"}, word
    assert found(database, '"unexpected keyword"') == {"supervised"}
    policy = Library(database).database.row("SELECT body FROM messages WHERE role = 'system'")[0]
    assert "basic economy" in policy
    assert found(database, '"basic economy"') == set()


def test_a_persons_critique_is_found_too(database):
    events = held(
        "ruled",
        (reply("One."), reply("Two.")),
        critic=RuleCritic(lambda case: 0.9),
        supervision=Supervision(max_revisions=0, out_of_revisions="ask"),
        arbiter=Rulings(Ruling("revise", "Be an aardvark."), Ruling("override")),
    )
    record(database, events)
    assert found(database, "aardvark") == {"ruled"}


@pytest.mark.parametrize(
    "query",
    [
        "#W123",
        "mia.li@example.com",
        "don't",
        "DON'T",
        '"gift card"',
        "card gift",
        "refu*",
        "São",
        "sao",
        "$1,234.50",
        "a - b",
        'an "unclosed',
        "NOT",
        "AND",
        "text:odd",
        "(paren",
        "x^2",
        "cancel_reservation",
        "{curly}",
        "NEAR(a b)",
    ],
)
def test_words_are_found_as_they_are_typed(database, query):
    said = (
        "Order #W123 of mia.li@example.com: I don't want the gift card, a refund to São Paulo of $1,234.50; a - b; an "
        'unclosed NOT AND NEAR(a b) text:odd (paren x^2 cancel_reservation {curly} "quoted"'
    )
    record(database, held("there", reply(said)))
    record(database, held("not-there", reply("Something else entirely.")))
    assert found(database, query) == {"there"}


def test_a_phrase_is_looked_for_as_it_stands_and_all_words_in_one_text(database):
    record(database, held("together", reply("the gift card"), reply("of mine"), lines=("Hi", "so", "###STOP###")))
    record(database, held("apart", reply("a card as a gift")))
    assert found(database, '"gift card"') == {"together"}
    assert found(database, "gift card") == {"together", "apart"}
    assert found(database, "gift mine") == set()


def test_letters_that_a_tool_escapes_are_found_as_they_are_read(database):
    events = held("escaped", call("list_all_airports", {}), reply("ok"))
    events = [
        replace(e, messages=(replace(e.messages[0], content='{"city": "Zürich"}'.encode("ascii", "backslashreplace")
                                     .decode().replace("\\xfc", "\\u00fc")),))
        if type(e).__name__ == "Observed" and e.messages and e.messages[0].role == "tool" else e
        for e in events
    ]  # fmt: skip
    record(database, events)
    assert found(database, "Zürich") == {"escaped"}


def test_a_query_without_a_word_is_one_sentence(database):
    record(database, held("s", reply("x")))
    for query in ("", "#", '""', "- *"):
        done = acc("sessions", "--text", query)
        assert (done.code, done.out) == (2, "")
        assert "no word" in done.error


def test_a_hit_says_where_and_is_printed_without_terminal_escapes(database):
    record(
        database,
        held("s", reply("Nothing yet."), reply("\x1b[31mA re\x1b[0md zebra\x07"), lines=("Hi", "so", "###STOP###")),
    )
    done = acc("sessions", "--text", "red zebra")
    assert "turn 2, reply: A red zebra" in done.out
    assert "\x1b" not in done.out
    hit = acc("sessions", "--text", "zebra", "--json").json[0]["found"]
    assert hit == {"count": 1, "step": 2, "what": "reply", "snippet": "A red zebra"}
    assert "found" not in acc("sessions", "--json").json[0]


def test_what_is_recorded_after_a_search_is_found_by_the_next_one_in_the_middle_of_a_session_too(database):
    events = held("s", reply("first zebra"), reply("then walrus"), lines=("Hi", "so", "###STOP###"))
    recorder = Recorder(database)
    seen = []
    for event in events:
        recorder.record(event)
        seen.append((found(database, "zebra"), found(database, "walrus")))
    assert seen[0] == (set(), set())
    assert ({"s"}, set()) in seen
    assert seen[-1] == ({"s"}, {"s"})
    assert hits(database, "zebra", ["s"])["s"].count == 1
    assert bring_up_to_date(database) == 0
    assert verify(database).problems == ()


def test_two_searchers_at_once_index_everything_once(database):
    for number in range(30):
        record(database, held(f"s{number}", reply(f"zebra number {number}")))
    failures = []

    def search():
        try:
            with open_database(database_path()) as mine:
                bring_up_to_date(mine)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=search) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    found_in = hits(database, "zebra", [f"s{n}" for n in range(30)])
    assert {hit.count for hit in found_in.values()} == {1}
    assert len(found_in) == 30


def test_a_session_that_was_taken_out_by_hand_is_no_longer_found(database):
    record(database, held("gone", reply("zebra")))
    record(database, held("kept", reply("zebra")))
    assert found(database, "zebra") == {"gone", "kept"}
    database.connection.execute("DELETE FROM sessions WHERE id = 'gone'")
    record(database, held("later", reply("walrus")))
    assert found(database, "zebra") == {"kept"}
    assert found(database, "walrus") == {"later"}


def test_progress_goes_to_the_end(database):
    for number in range(3):
        record(database, held(f"s{number}", reply("x")))
    told = []
    bring_up_to_date(database, lambda done, total: told.append((done, total)))
    assert told[-1] == (3, 3)


WORDS = st.text(string.ascii_letters + string.digits + "äßéñЖ日", min_size=1, max_size=8)


@given(st.text(max_size=40))
def test_no_query_breaks_the_search(query):
    with open_database(_shared()) as database:
        try:
            Library(database).sessions(Filter(text=query))
            hits(database, query, ["s"])
        except UsageError:
            assert not any(character.isalnum() for character in printable(query))


@given(st.lists(WORDS, min_size=1, max_size=6), st.sampled_from([" ", ", ", "_", "#", "/", "\n"]), st.data())
def test_every_word_and_every_phrase_of_a_text_finds_it(words, between, data):
    with open_database(_shared()) as database:
        database.connection.execute("BEGIN IMMEDIATE")
        try:
            record(database, held("h", reply(between.join(words))))
            bring_up_to_date(database)
            first = data.draw(st.integers(0, len(words) - 1))
            last = data.draw(st.integers(first, len(words) - 1))
            for query in (words[first], f'"{between.join(words[first : last + 1])}"'.replace("\n", " ")):
                assert "h" in {s.id for s in Library(database).sessions(Filter(text=query))}, query
                assert hits(database, query, ["h"])["h"].snippet
        finally:
            database.connection.execute("ROLLBACK")


def _shared():
    path = database_path().with_name("shared.db")
    if not path.exists():
        with open_database(path) as database:
            record(database, held("s", reply("Some words.")))
            bring_up_to_date(database)
    return path


def test_expressions_never_hold_a_bare_operator():
    assert expression("a OR b") == '"a" AND "OR" AND "b"'
    assert expression('say "so it is" now*') == '"say" AND "so it is" AND "now"*'


def test_sessions_are_chosen_by_what_they_are(database):
    record(database, held("plain", reply("Hi."), at=1.6e9))
    refused = held("stepped-in", (call("cancel_reservation", {"reservation_id": "X"}), reply("Sorry.")),
                   critic=objecting("R3: confirm first"), at=1.7e9)  # fmt: skip
    record(database, refused)
    record(database, _ended(held("passed", call("list_all_airports", {}), reply("Yes.")), 1.0, None))
    record(database, _ended(held("failed", reply("No.")), 0.0, "actor"))
    record(database, held("open", reply("Well."))[:-1])
    assert ids("--outcome", "passed") == ["passed"]
    assert ids("--outcome", "failed") == ["failed"]
    assert ids("--outcome", "open") == ["open"]
    assert set(ids("--outcome", "unscored")) == {"plain", "stepped-in"}
    assert ids("--intervened") == ["stepped-in"]
    assert set(ids("--not-intervened")) == {"plain", "passed", "failed", "open"}
    assert ids("--tool", "cancel_reservation") == ["stepped-in"]
    assert ids("--tool", "cancel") == []
    assert ids("--rule", "CONFIRM") == ["stepped-in"]
    assert ids("--fault", "actor") == ["failed"]
    assert ids("--critic", "Rule of") == ["stepped-in"] == ids("--critic", IDENTITY.id)
    assert len(ids("--actor", "TEST")) == 5
    assert ids("--since", "2022-01-01") == ["stepped-in"]
    assert ids("--since", "1d") == []
    assert ids("--tool", "cancel_reservation", "--outcome", "passed") == []
    assert ids("--text", "sorry", "--intervened") == ["stepped-in"]
    assert len(ids("--limit", "2")) == 2
    assert acc("sessions", "--runs", "--outcome", "passed").code == 2
    assert acc("sessions", "--since", "yesterday").code == 2


def test_a_tool_that_is_not_the_first_of_its_message_is_found(database):
    both = Message("assistant", None, (*call("get_user_details", {"user_id": "x"}).proposal.message.tool_calls,
                                       *call("list_all_airports", {}).proposal.message.tool_calls))  # fmt: skip
    record(database, held("several", Proposing(Proposal(both)), reply("ok")))
    record(database, held("says-it", reply('"name":"list_all_airports"')))
    assert ids("--tool", "list_all_airports") == ["several"]


def test_since_is_a_time_or_how_long_ago():
    assert since_of(None) is None
    assert since_of("7d", now=1e6) == 1e6 - 7 * 86400
    assert since_of("2026-11-20T10:00:00+00:00") == 1795168800.0
    assert abs(since_of("30m") - (time.time() - 1800)) < 60
    for text in ("", "7", "7 days", "d", "2026-13-01"):
        with pytest.raises(UsageError, match="is no time"):
            since_of(text)


def test_what_a_session_says_is_the_same_from_its_trace(database):
    events = held("s", reply("zebra"), critic=objecting())
    file = io.BytesIO()
    trace.write(file, events)
    record(database, events)
    assert {said.what for said in texts_of(database, "s")} == {"user", "reply"}


def _ended(events, reward, fault):
    from actorcritic_cli.types import Reward

    assert isinstance(events[0], Started)
    assert isinstance(events[-1], Ended)
    return [*events[:-1], replace(events[-1], reward=Reward(reward), fault=fault)]


def test_an_index_that_knows_more_than_there_is_is_found(database):
    record(database, held("s", reply("x")))
    bring_up_to_date(database)
    assert verify(database).problems == ()
    database.connection.execute("UPDATE search_sessions SET events = events + 1")
    assert [problem for problem in verify(database).problems if "search index" in problem]
