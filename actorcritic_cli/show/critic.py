"""What a critic's file is, as rows of a table."""

from __future__ import annotations

from actorcritic_cli.critics.gguf_info import CriticFile
from actorcritic_cli.critics.thresholds import default_threshold


def critic_rows(found: CriticFile) -> list[tuple[str, str]]:
    """Return (what, value) rows of a critic's file; what is unknown is left out."""
    template = found.template_kind if found.has_template else f"{found.template_kind} (given: the file has none)"
    rows = [
        ("file", f"{found.path} ({found.size / 1e6:.1f} MB)"),
        ("name", found.name),
        ("architecture", found.architecture),
        ("parameters", f"{found.parameters:,}" if found.parameters else ""),
        ("quantisation", _quantisation(found)),
        ("context", f"{found.n_ctx_train:,} tokens" if found.n_ctx_train else ""),
        ("vocabulary", f"{found.vocabulary:,} tokens" if found.vocabulary else ""),
        ("chat template", template if found.template_kind else ""),
        ("labels", f"{found.labels.approve} / {found.labels.revise} (approve / revise)" if found.labels else ""),
        ("prompt style", found.style if found.style != "full" else ""),
        ("threshold", _threshold(found) if found.usable else ""),
        ("sha256", found.sha256),
        *((name, str(value)) for name, value in sorted(found.acc.items())),
        *(("note", warning) for warning in found.warnings),
        ("usable", "yes" if found.usable else f"no: {found.why_not}"),
    ]
    return [(what, value) for what, value in rows if value]


def _quantisation(found: CriticFile) -> str:
    kinds = ", ".join(f"{count} {kind}" for kind, count in found.kinds.items())
    return f"{found.quantisation} (matrices: {kinds})" if found.quantisation and kinds else found.quantisation


def _threshold(found: CriticFile) -> str:
    threshold, source = default_threshold(found)
    return f"{threshold:g} ({source})"
