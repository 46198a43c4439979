"""Which model a name means, and what is known of it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from actorcritic_cli.errors import UsageError
from actorcritic_cli.providers.aliases import ALIASES, KEY_ENVS, model_rows, resolve
from actorcritic_cli.providers.prices import facts, is_priced, price_list


@pytest.mark.parametrize("alias", sorted(ALIASES))
def test_every_alias_is_a_model_the_installed_litellm_knows_with_tools_and_prices(alias: str) -> None:
    model = resolve(alias)
    entry = price_list().get(model.litellm_name) or price_list()[model.litellm_name.partition("/")[2]]
    assert entry["litellm_provider"] == model.provider
    assert entry["mode"] == "chat"
    assert entry["supports_function_calling"]
    assert is_priced(model.litellm_name)


@pytest.mark.parametrize("alias", sorted(ALIASES))
def test_every_alias_names_the_variable_that_its_key_is_looked_for_in(alias: str) -> None:
    assert resolve(alias).key_env in {name for names in KEY_ENVS.values() for name in names}


def test_an_alias_is_recorded_under_its_resolved_name() -> None:
    assert resolve("claude").litellm_name.startswith("anthropic/claude-")
    assert resolve("GPT").litellm_name.startswith("openai/gpt-")


@pytest.mark.parametrize("name", ["openrouter/some/model", "hosted_vllm/mine", "gpt-4o", "something-else"])
def test_what_is_no_alias_passes_through_unchanged(name: str) -> None:
    assert resolve(name).litellm_name == name


def test_a_bare_name_that_tells_its_provider_is_asked_for_that_key() -> None:
    assert resolve("gpt-4o").key_env == "OPENAI_API_KEY"
    assert resolve("claude-haiku-4-5").key_env == "ANTHROPIC_API_KEY"


def test_a_provider_we_do_not_know_is_left_to_litellm(monkeypatch: pytest.MonkeyPatch) -> None:
    model = resolve("ollama/llama3")
    assert model.key_env is None
    assert model.has_key


def test_an_empty_name_is_refused() -> None:
    with pytest.raises(UsageError, match="empty"):
        resolve("  ")


def test_the_list_of_models_says_whether_a_key_is_set_but_never_shows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "a-very-secret-value")
    for name in KEY_ENVS["gemini"]:
        monkeypatch.delenv(name, raising=False)
    rows = {row.alias: row for row in model_rows(details=True)}
    assert rows["claude"].key_set
    assert not rows["gemini"].key_set
    assert rows["gemini"].key_env == "GEMINI_API_KEY"
    assert "a-very-secret-value" not in repr(rows)
    assert rows["claude"].context is not None
    assert rows["claude"].context > 100_000
    assert rows["claude"].input_price is not None
    assert 0 < rows["claude"].input_price < 1000


def test_the_second_variable_of_a_provider_counts_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GEMINI_API_KEY", raising=False)
    monkeypatch.setenv("GOOGLE_API_KEY", "other")
    assert resolve("gemini").has_key
    assert resolve("gemini").api_key() == "other"


def test_nothing_is_known_of_a_model_that_is_not_in_the_list() -> None:
    assert facts("openai/never-heard-of-it") is None
    assert not is_priced("openai/never-heard-of-it")


def test_a_bare_model_of_another_provider_lends_no_price() -> None:
    assert facts("hosted_vllm/gpt-4o") is None


def test_naming_models_and_building_parties_imports_no_model_library() -> None:
    program = (
        "import sys\n"
        "from actorcritic_cli.actors.litellm_actor import LitellmActor\n"
        "from actorcritic_cli.providers.aliases import model_rows\n"
        "from actorcritic_cli.users.simulated import SimulatedUser\n"
        "LitellmActor('claude'), SimulatedUser('gpt', 'You want a flight.'), model_rows(details=True)\n"
        "assert not {'litellm', 'openai', 'httpx'} & set(sys.modules), sys.modules.keys()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
