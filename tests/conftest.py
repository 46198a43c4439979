"""What all tests share: a home of their own for every test, and the official data where they are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

from tests.property_examples import examples

# Tests never assert timing: a busy machine must not fail a property.
settings.register_profile("acc", deadline=None, max_examples=examples(100))
settings.load_profile("acc")


@pytest.fixture(autouse=True)
def acc_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test has its own data folder, so that nothing of the user's is touched."""
    home = tmp_path / "acc-home"
    monkeypatch.setenv("ACC_HOME", str(home))
    for name in ("ACC_DB", "ACC_TAU_BENCH_DIR", "ACC_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    return home


@pytest.fixture(scope="session")
def official_data() -> Path:
    """The folder of official benchmark data: ``ACC_TEST_DATA``, else ``../shared/data`` beside the checkout.

    Missing data skip the test, except in CI (``CI`` set), where they fail it.
    """
    root = Path(os.environ.get("ACC_TEST_DATA") or Path(__file__).parents[2] / "shared" / "data")
    if not (root / "tau-bench").is_dir():
        if os.environ.get("CI"):
            pytest.fail(f"official data are missing at {root}: set ACC_TEST_DATA")
        pytest.skip(f"no official data at {root} (set ACC_TEST_DATA)")
    return root
