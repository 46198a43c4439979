"""Model files: the random-weight writer, and what is said of files that can't be a critic."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actorcritic_cli.critics import synthetic
from actorcritic_cli.critics.client import LlamaCritic
from actorcritic_cli.critics.gguf_header import HeaderError, read_header
from actorcritic_cli.critics.gguf_info import inspect
from actorcritic_cli.critics.labels import LabelPair
from actorcritic_cli.critics.prompt import PROMPT_VERSION
from actorcritic_cli.critics.synthetic_vocab import learn
from actorcritic_cli.errors import AccError, NotFound
from tests.critic_cases import POLICY, tiny, without_template
from tests.property_examples import examples


def small_gguf(path: Path, arch: str, tensors: bool = True, **metadata: object) -> Path:
    """A GGUF with a true header and next to nothing in it."""
    import gguf
    import numpy as np

    writer = gguf.GGUFWriter(path, arch)
    for key, value in metadata.items():
        name = key.replace("__", ".")
        if isinstance(value, bool):
            writer.add_bool(name, value)
        elif isinstance(value, int):
            writer.add_uint32(name, value)
        else:
            writer.add_string(name, str(value))
    if tensors:
        writer.add_tensor("token_embd.weight", np.zeros((32, 32), dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    learn_again = synthetic.write(tmp_path / "again.gguf", seed=2)
    assert learn_again.read_bytes() == tiny().read_bytes()
    assert synthetic.write(tmp_path / "other.gguf", seed=3).read_bytes() != tiny().read_bytes()


def test_a_synthetic_file_says_what_it_is() -> None:
    file = inspect(tiny())
    assert file.usable
    assert file.architecture == "qwen2"
    assert file.n_ctx_train == 32_768
    assert file.vocabulary == 4096
    assert file.template_kind == "chatml"
    assert file.labels == LabelPair("yes", "no")
    assert file.threshold == 0.5
    assert file.acc["acc.prompt_version"] == PROMPT_VERSION
    assert file.acc["acc.note"] == synthetic.NOTE
    assert any(synthetic.NOTE in warning for warning in file.warnings)
    assert len(file.sha256) == 64
    assert file.size == tiny().stat().st_size


def test_metadata_set_the_labels_and_the_threshold(tmp_path: Path) -> None:
    path = synthetic.write(tmp_path / "m.gguf", labels=("revise", "approve"), threshold=0.7, prompt_version="0")
    file = inspect(path)
    assert file.labels == LabelPair("revise", "approve")
    assert file.threshold == 0.7
    assert any("version 0" in warning for warning in file.warnings)
    critic = LlamaCritic(path)
    assert critic.threshold == critic.identity.threshold == 0.7


def test_the_vocabulary_compresses_english_it_has_not_seen() -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers

    vocabulary = learn(4096, None, LabelPair("yes", "no"))
    merges = [tuple(merge.split(" ")) for merge in vocabulary.merges]
    tokenizer = Tokenizer(models.BPE({token: i for i, token in enumerate(vocabulary.tokens)}, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    text = "The traveller wished to know whether the new booking was covered by the rules. " + POLICY
    assert len(text) / len(tokenizer.encode(text).ids) >= 3
    assert "<|im_end|>" in vocabulary.tokens
    assert "yes" in vocabulary.tokens


def test_a_changed_file_has_another_hash(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(tiny().read_bytes())
    before = inspect(path).sha256
    assert before == inspect(tiny()).sha256
    path.write_bytes(tiny(seed=5).read_bytes())
    assert inspect(path).sha256 != before


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"GGUF", "ends in the middle"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "git lfs pull"),
        (b"<!DOCTYPE html><html></html>", "web page"),
        (b"PK\x03\x04rest of an archive", "convert_hf_to_gguf"),
        (b'\x40\x00\x00\x00\x00\x00\x00\x00{"__metadata__"', "safetensors"),
        (b"tjgg\x01\x00\x00\x00", "old GGML"),
        (b"GGUF" + struct.pack(">I", 3) + bytes(16), "big-endian"),
        (b"GGUF" + struct.pack("<I", 9) + bytes(16), "version is 9"),
        (b"GGUF" + struct.pack("<IQQ", 3, 1 << 60, 0), "do not fit"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + bytes(40), "damaged|names no architecture"),
        (b"just some notes", "not a GGUF file"),
    ],
)
def test_what_is_no_gguf_is_refused_with_a_remedy(tmp_path: Path, content: bytes, words: str) -> None:
    import re

    path = tmp_path / "model.gguf"
    path.write_bytes(content)
    file = inspect(path)
    assert not file.usable
    assert file.why_not is not None
    assert str(path) in file.why_not
    assert re.search(words, file.why_not)
    with pytest.raises(AccError):
        LlamaCritic(path)


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    assert "no file" in (inspect(tmp_path / "nope.gguf").why_not or "")
    assert "folder" in (inspect(tmp_path).why_not or "")
    with pytest.raises(NotFound):
        LlamaCritic(tmp_path / "nope.gguf")


@pytest.mark.parametrize("part", [0.1, 0.5, 0.99])
def test_a_cut_file_is_refused_wherever_it_was_cut(tmp_path: Path, part: float) -> None:
    whole = tiny().read_bytes()
    path = tmp_path / "cut.gguf"
    path.write_bytes(whole[: int(len(whole) * part)])
    file = inspect(path)
    assert not file.usable
    assert "download it again" in (file.why_not or "")


@pytest.mark.parametrize(
    ("arch", "metadata", "words"),
    [
        ("bert", {}, "embedding model"),
        ("clip", {"general__type": "mmproj"}, "mmproj"),
        ("llama", {"general__type": "adapter"}, "merge it into its base"),
        ("llama", {"split__count": 3}, "llama-gguf-split --merge"),
        ("qwen3", {"qwen3__pooling_type": 3}, "embedding or ranking"),
        ("llama", {"llama__attention__causal": False}, "embedding or ranking"),
        ("t5", {}, "encoder-decoder"),
        ("llama", {}, "no vocabulary"),
    ],
)
def test_models_that_do_not_chat_are_refused(
    tmp_path: Path, arch: str, metadata: dict[str, object], words: str
) -> None:
    file = inspect(small_gguf(tmp_path / "m.gguf", arch, **metadata))
    assert not file.usable
    assert words in (file.why_not or "")


def test_a_vocabulary_without_weights_is_refused(tmp_path: Path) -> None:
    assert "no weights" in (inspect(small_gguf(tmp_path / "v.gguf", "llama", tensors=False)).why_not or "")


def test_a_file_without_a_chat_template_needs_one_named() -> None:
    assert "--critic-template" in (inspect(without_template()).why_not or "")
    assert inspect(without_template(), template="chatml").usable
    assert "chatlm" in (inspect(without_template(), template="chatlm").why_not or "")


@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 3000), st.binary(min_size=1, max_size=12))
def test_a_damaged_header_is_told_or_read_but_never_breaks_the_reader(tmp_path: Path, at: int, damage: bytes) -> None:
    whole = bytearray(tiny().read_bytes()[:8000])
    whole[at : at + len(damage)] = damage
    path = tmp_path / "damaged.gguf"
    path.write_bytes(whole)
    with pytest.raises(HeaderError):
        read_header(path)
    assert not inspect(path, digest=False).usable
