"""Fetching models from a hub: resumed, checked, alone, and without telling the token to others."""

from __future__ import annotations

import json
import resource
import shutil
import signal
import subprocess
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorcritic_cli.critics.client import LlamaCritic
from actorcritic_cli.critics.models import Named, models_dir, named, note_of, note_path, pulled_models
from actorcritic_cli.critics.pull import pull
from actorcritic_cli.critics.recommended import RECOMMENDED
from actorcritic_cli.critics.resolve import resolve
from actorcritic_cli.errors import AccError, NotFound, UsageError
from tests.cli import ACC, acc, acc_ok, start
from tests.hub_server import COMMIT, FILE, REPO, Hub, hub

__all__ = ["hub"]

WANTED = Named(REPO, FILE)
TOKEN = "hf_0123456789abcdefghijklmnopqrst"
HALF = 100_000


def quietly(*_: object) -> None:
    pass


def part() -> Path:
    return WANTED.path.with_name(f"{FILE}.part")


def test_a_pulled_model_is_whole_and_noted_and_nothing_else_is_left(hub: Hub):
    said: list[tuple[str, int, int | None]] = []
    path = pull(WANTED, lambda *now: said.append(now))
    assert path == WANTED.path
    assert path.read_bytes() == hub.content
    note = note_of(path)
    assert (note.sha256, note.size, note.checked, note.commit) == (hub.true_sha256(), len(hub.content), True, COMMIT)
    assert {p.name for p in path.parent.iterdir()} <= {FILE, f"{FILE}.json", f"{FILE}.lock"}
    assert ("pulling", len(hub.content), len(hub.content)) in said
    assert ("checking", len(hub.content), len(hub.content)) in said
    assert any(COMMIT in url for _, _, url, _ in hub.requests)


def test_what_is_there_is_not_pulled_again_unless_asked(hub: Hub):
    pull(WANTED, quietly)
    before = len(hub.requests)
    pull(WANTED, quietly)
    assert len(hub.requests) == before
    pull(WANTED, quietly, again=True)
    assert len(hub.requests) > before


def test_a_cut_connection_is_taken_up_where_it_broke(hub: Hub):
    hub.cuts.extend([HALF, 0, HALF])
    assert pull(WANTED, quietly).read_bytes() == hub.content
    asked = [headers.get("range") for headers in hub.asked("files", "GET")]
    assert asked[0] is None
    assert asked[1] == asked[2] == f"bytes={HALF}-"
    assert asked[3] == f"bytes={2 * HALF}-"
    assert {headers.get("if-range") for headers in hub.asked("files", "GET")[1:]} == {hub.etag}


def test_a_network_that_stays_dead_keeps_the_part_for_the_next_pull(hub: Hub):
    hub.cuts.extend([HALF, 0, 0, 0, 0, 0, 0])
    with pytest.raises(AccError, match=r"0\.1 MB are kept"):
        pull(WANTED, quietly)
    assert part().stat().st_size == HALF
    assert note_of(WANTED.path) is None
    hub.cuts.clear()
    hub.requests.clear()
    assert pull(WANTED, quietly).read_bytes() == hub.content
    assert hub.asked("files", "GET")[0]["range"] == f"bytes={HALF}-"


def test_a_server_without_ranges_begins_anew(hub: Hub):
    hub.ranges = False
    hub.cuts.append(HALF)
    assert pull(WANTED, quietly).read_bytes() == hub.content


def test_a_file_that_changed_meanwhile_is_not_put_together_from_both(hub: Hub):
    hub.cuts.extend([HALF, *[0] * 6])
    with pytest.raises(AccError):
        pull(WANTED, quietly)
    hub.cuts.clear()
    hub.content, hub.etag = hub.content[::-1], '"etag-2"'
    assert pull(WANTED, quietly).read_bytes() == hub.content


def test_contents_with_another_tag_are_read_from_the_beginning(hub: Hub):
    hub.cuts.append(HALF)

    def change_tag(doing: str, done: int, total: int | None) -> None:
        if done == HALF:
            hub.etag = '"etag-2"'

    assert pull(WANTED, change_tag).read_bytes() == hub.content
    assert hub.asked("files", "GET")[1]["if-range"] == '"etag-1"'


def test_a_part_that_is_longer_than_the_file_is_thrown_away(hub: Hub):
    hub.cuts.extend([HALF, *[0] * 6])
    with pytest.raises(AccError):
        pull(WANTED, quietly)
    hub.cuts.clear()
    with part().open("ab") as file:
        file.write(b"x" * len(hub.content))
    assert pull(WANTED, quietly).read_bytes() == hub.content
    assert any(headers.get("range") for headers in hub.asked("files", "GET"))


def test_a_damaged_part_is_found_out_and_thrown_away(hub: Hub):
    hub.cuts.extend([HALF, *[0] * 6])
    with pytest.raises(AccError):
        pull(WANTED, quietly)
    hub.cuts.clear()
    part().write_bytes(b"\0" * HALF)
    with pytest.raises(AccError, match="pull again"):
        pull(WANTED, quietly)
    assert not part().exists()
    assert pull(WANTED, quietly).read_bytes() == hub.content


def test_what_does_not_hash_to_what_the_hub_says_gets_no_name(hub: Hub):
    hub.sha256 = "0" * 64
    with pytest.raises(AccError, match="SHA-256"):
        pull(WANTED, quietly)
    assert not WANTED.path.exists()
    assert not part().exists()


def test_the_hash_is_taken_from_the_list_of_files_where_the_link_has_none(hub: Hub):
    hub.linked = False
    pull(WANTED, quietly)
    assert note_of(WANTED.path).checked
    hub.sha256 = "0" * 64
    with pytest.raises(AccError, match="SHA-256"):
        pull(WANTED, quietly, again=True)


def test_a_hub_without_hashes_is_said(hub: Hub):
    hub.linked, hub.listed, hub.away = False, False, False
    done = acc("critic", "pull", f"{REPO}/{FILE}")
    assert done.returncode == 0, done.stderr
    assert "gave no hash" in done.stderr
    assert hub.true_sha256() in done.stderr


def test_passing_failures_of_the_server_are_tried_again(hub: Hub):
    hub.statuses.extend([503, 429, 500])
    assert pull(WANTED, quietly).read_bytes() == hub.content


@pytest.mark.parametrize(
    ("refusal", "kind", "words"),
    [
        ((401, "GatedRepo"), AccError, "set HF_TOKEN"),
        ((403, "GatedRepo"), AccError, "accept its terms"),
        ((401, "RepoNotFound"), NotFound, "There is no owner"),
        ((404, "EntryNotFound"), NotFound, "no file"),
        ((400, ""), AccError, "HTTP 400"),
        ((503, ""), AccError, "HTTP 503"),
    ],
)
def test_what_the_hub_refuses_is_said_with_the_remedy(hub: Hub, refusal, kind, words):
    hub.refuse = refusal
    with pytest.raises(kind, match=words):
        pull(WANTED, quietly)


def test_the_token_goes_to_the_hub_alone(hub: Hub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    hub.cuts.append(HALF)
    pull(WANTED, quietly)
    assert {headers.get("authorization") for headers in hub.asked("hub")} == {f"Bearer {TOKEN}"}
    assert hub.asked("files")
    assert all("authorization" not in headers and TOKEN not in str(headers) for headers in hub.asked("files"))


def test_a_token_that_opens_nothing_is_not_shown(hub: Hub):
    hub.refuse = (403, "GatedRepo")
    done = acc("critic", "pull", f"{REPO}/{FILE}", HF_TOKEN=TOKEN)
    assert done.returncode == 1
    assert "this HF_TOKEN" in done.stderr
    assert TOKEN not in done.stdout + done.stderr


def test_a_renamed_repository_is_followed(hub: Hub):
    assert pull(Named("renamed/tiny-GGUF", FILE), quietly).read_bytes() == hub.content


def test_a_full_disk_is_said_and_the_part_is_kept(hub: Hub):
    part().parent.mkdir(parents=True)
    part().symlink_to("/dev/full")  # every write to it fails as on a full disk
    note_path(part()).write_text(json.dumps({"sha256": hub.true_sha256(), "commit": COMMIT}))
    with pytest.raises(AccError, match="No space left"):
        pull(WANTED, quietly)
    assert part().is_symlink()


def test_a_file_that_may_not_grow_further_is_one_sentence(hub: Hub):
    done = subprocess.run(
        [*ACC, "critic", "pull", f"{REPO}/{FILE}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (HALF, HALF)),
    )
    assert done.returncode == 1
    assert "set ACC_HOME" in done.stderr
    assert "Traceback" not in done.stderr
    assert part().stat().st_size == HALF


def test_a_model_too_large_for_the_disk_is_not_begun(hub: Hub, monkeypatch):
    nearly_full = shutil.disk_usage("/")._replace(free=10)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: nearly_full)
    with pytest.raises(AccError, match="MB left"):
        pull(WANTED, quietly)
    assert not hub.asked("files")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_pull_ended_in_the_middle_goes_on_from_there(hub: Hub, how):
    hub.slow = True
    running = start("critic", "pull", f"{REPO}/{FILE}")
    assert hub.under_way.wait(60)
    until = threading.Event()
    for _ in range(600):
        if part().exists() and part().stat().st_size >= 65536:
            break
        until.wait(0.05)
    running.send_signal(how)
    _, err = running.communicate(timeout=60)
    assert running.returncode == (130 if how == signal.SIGINT else -signal.SIGKILL)
    assert "Traceback" not in err
    if how == signal.SIGINT:
        assert "goes on from there" in err
    assert part().stat().st_size == 65536
    hub.slow = False
    hub.go_on.set()
    hub.requests.clear()
    acc_ok("critic", "pull", f"{REPO}/{FILE}")
    assert hub.asked("files", "GET")[0]["range"] == "bytes=65536-"
    assert WANTED.path.read_bytes() == hub.content


def test_two_pulls_at_once_are_one(hub: Hub):
    hub.slow = True
    first = start("critic", "pull", f"{REPO}/{FILE}")
    assert hub.under_way.wait(60)
    waits = threading.Event()
    results: list[Path] = []

    def second() -> None:
        results.append(pull(WANTED, lambda now, *_: waits.set() if now == "waiting" else None))

    thread = threading.Thread(target=second)
    thread.start()
    assert waits.wait(60)
    hub.go_on.set()
    thread.join(60)
    first.communicate(timeout=60)
    assert first.returncode == 0
    assert results == [WANTED.path]
    assert WANTED.path.read_bytes() == hub.content
    assert len(hub.asked("files", "GET")) == 1


def test_a_pulled_model_judges_by_its_name_and_is_listed(hub: Hub, monkeypatch):
    monkeypatch.setitem(
        RECOMMENDED, "qwen2.5-0.5b", type(RECOMMENDED["qwen2.5-0.5b"])("qwen2.5-0.5b", REPO, FILE, 1, "MIT", "tests")
    )
    with pytest.raises(NotFound, match=r"acc critic pull qwen2\.5-0\.5b"):
        resolve("qwen2.5-0.5b", {})
    pull(named("qwen2.5-0.5b"), quietly)
    for name in ("qwen2.5-0.5b", "Qwen2.5-0.5B", f"{REPO}/{FILE}", f"{REPO}:{FILE}"):
        critic = resolve(name, {})
        assert isinstance(critic, LlamaCritic)
        assert critic.identity.file_sha256 == hub.true_sha256()
    assert [note.named.name for note in pulled_models()] == ["qwen2.5-0.5b"]


@pytest.mark.slow
def test_pulling_listing_and_judging_as_a_user_does(hub: Hub):
    name = f"{REPO}/{FILE}"
    assert acc_ok("critic", "pull", name).strip() == str(WANTED.path)
    assert json.loads(acc_ok("critic", "pull", name, "--json"))["sha256"] == hub.true_sha256()
    rows = json.loads(acc_ok("critic", "list", "--json"))
    assert [row["name"] for row in rows if row["pulled"]] == ["builtin", name]
    assert {row["name"] for row in rows if not row["pulled"]} == set(RECOMMENDED)
    assert hub.true_sha256() in acc_ok("critic", "info", name)
    done = acc("chat", "--actor", "sim:expert", "--user", "script", "--critic", "qwen3-0.6b")
    assert done.returncode == 3
    assert "acc critic pull qwen3-0.6b" in done.stderr


@pytest.mark.slow
def test_a_dead_hub_and_a_wrong_name_are_one_sentence():
    dead = acc("critic", "pull", "qwen3-0.6b", HF_ENDPOINT="http://127.0.0.1:9", ACC_RETRY_BASE="0.01")
    assert dead.returncode == 1
    assert dead.stderr.splitlines()[-1].endswith("set HF_ENDPOINT.")
    senseless = acc("critic", "pull", "qwen3-0.6b", HF_ENDPOINT="nonsense", ACC_RETRY_BASE="0.01")
    assert senseless.returncode == 1
    assert "check HF_ENDPOINT" in senseless.stderr
    secret = acc("critic", "pull", "qwen3-0.6b", HF_ENDPOINT="http://me:secret@127.0.0.1:9", ACC_RETRY_BASE="0.01")
    assert secret.returncode == 1
    assert "secret" not in secret.stderr
    wrong = acc("critic", "pull", "gpt-9")
    assert wrong.returncode == 3
    assert "qwen2.5-0.5b" in wrong.stderr


def test_a_note_without_its_file_is_nothing(hub: Hub):
    pull(WANTED, quietly)
    WANTED.path.write_bytes(b"cut")
    assert note_of(WANTED.path) is None
    assert pulled_models() == []
    note_path(WANTED.path).write_bytes(b"{")
    assert pull(WANTED, quietly).read_bytes() == hub.content


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd.gguf", "a/../b.gguf", "a/b/../../c.gguf", "/a/b/c.gguf", "a/b", "a/b/c.bin", "", "a b/c/d.gguf"],
)
def test_a_name_cannot_leave_the_folder_of_models(name):
    with pytest.raises(NotFound):
        named(name)


@given(st.text(alphabet="ab./:\\~-", max_size=12).map(lambda text: f"{text}.gguf"))
def test_whatever_a_name_is_its_file_lies_under_the_models(name):
    try:
        found = named(name)
    except (NotFound, UsageError):
        return
    assert models_dir().resolve() in found.path.resolve().parents


def test_a_part_of_a_split_model_is_refused():
    with pytest.raises(UsageError, match="one file"):
        named("owner/repo/model-00001-of-00003.gguf")


def test_recommended_models_have_names_that_can_be_pulled():
    for name, model in RECOMMENDED.items():
        assert named(name) == named(f"{model.repo}/{model.file}") == Named(model.repo, model.file)
        assert named(name).name == name


def test_at_a_terminal_a_bar_shows_how_far_it_is(hub: Hub):
    import pexpect

    hub.slow = True
    child = pexpect.spawn(
        ACC[0], [*ACC[1:], "critic", "pull", f"{REPO}/{FILE}"], encoding="utf-8", dimensions=(24, 140), timeout=60
    )
    child.expect(r"pulling owner/tiny-GGUF/tiny\.gguf")
    child.expect(r"65\.5/[\d.,]+ kB|0\.1/[\d.,]+ MB")
    hub.go_on.set()
    child.expect(r"Use it with: --critic owner/tiny-GGUF/tiny\.gguf")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
