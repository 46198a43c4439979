"""``acc label``: what is known to be right or wrong of recorded proposals."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from actorcritic_cli.cli.common import (
    DbOption,
    EnvFilter,
    JsonOption,
    RunFilter,
    open_library,
    print_json,
    print_table,
    say,
)
from actorcritic_cli.errors import EXIT_INTERRUPTED, NotFound, UsageError
from actorcritic_cli.types import Label, LabelSource

if TYPE_CHECKING:
    from actorcritic_cli.store.library import Library

_PLACE = re.compile(r"(\d+)(?:\.(\d+))?")
_WORDS: dict[str, Literal["approve", "revise"]] = {
    "approve": "approve",
    "good": "approve",
    "revise": "revise",
    "bad": "revise",
}


def label(
    session: Annotated[
        str | None,
        typer.Argument(metavar="SESSION", help="Session (the beginning of its id, or last).", show_default=False),
    ] = None,
    run: RunFilter = None,
    env: EnvFilter = None,
    only: Annotated[
        Literal["judged", "writes", "interventions", "all"],
        typer.Option(
            help="Which proposals to ask about: those that a critic judged (or would have), calls that write, what was not "
            "simply accepted, or all.",
        ),
    ] = "judged",
    again: Annotated[bool, typer.Option("--again", help="Ask about those that you have labelled, too.")] = False,
    show_verdict: Annotated[
        bool, typer.Option("--show-verdict", help="Show what the critic said before you answer, not after.")
    ] = False,
    labeller: Annotated[
        str, typer.Option("--labeller", metavar="NAME", envvar="ACC_LABELLER", help="Whose labels these are.")
    ] = "",
    put: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="STEP[.ATTEMPT]=approve|revise[:WHY]",
            help="Label a proposal of SESSION without asking. Repeatable.",
        ),
    ] = None,
    remove: Annotated[
        list[str] | None,
        typer.Option(
            "--remove", metavar="STEP[.ATTEMPT]|all", help="Take labels off again (see --source). Repeatable."
        ),
    ] = None,
    source: Annotated[
        Literal["oracle", "human", "ground_truth", "outcome"] | None,
        typer.Option(help="With --list and --remove: labels of this source.", show_default="--remove: human"),
    ] = None,
    from_ground_truth: Annotated[
        bool,
        typer.Option(
            "--from-ground-truth",
            help="Label the write calls of all sessions chosen by the calls that their tasks expect.",
        ),
    ] = False,
    from_outcome: Annotated[
        bool,
        typer.Option(
            "--from-outcome",
            help="Label the write calls of all sessions chosen by how these and the others on the same task ended.",
        ),
    ] = False,
    list_: Annotated[bool, typer.Option("--list", help="Print the labels on record.")] = False,
    db: DbOption = None,
    json: JsonOption = False,
) -> None:
    """Say what was right: walk through a session's proposals and answer good or bad.

    Each is shown with what led to it; what the critic said is shown after your answer. Keys: g good, b bad (and why),
    s skip, u undo, m more, p policy, q quit. Every answer is kept at once, and the next time goes on where you stopped.

    --from-ground-truth, --from-outcome and --list take SESSION, --run or --env, else all sessions on record.
    """
    asked = {"--set": put, "--remove": remove, "--from-ground-truth": from_ground_truth, "--from-outcome": from_outcome,
             "--list": list_}  # fmt: skip
    given = [name for name, value in asked.items() if value]
    if len(given) > 1:
        raise UsageError(f"{' and '.join(given)} do different things; give one of them.")
    if session is not None and (run is not None or env is not None):
        raise UsageError("Name a SESSION, or choose many with --run and --env.")
    with open_library(db) as library:
        chosen = _chosen(library, session, run, env)
        if from_ground_truth or from_outcome:
            _infer(library, chosen, outcome=from_outcome, json=json)
        elif list_:
            _list(library, chosen, source, json)
        elif put or remove:
            if session is None and remove != ["all"]:
                raise UsageError("Say whose proposals are meant: acc label SESSION --set … (acc sessions lists them).")
            if put:
                _set(library, chosen[0], put, labeller)
            else:
                _remove(library, chosen, remove or [], source or "human", labeller)
            if json:
                _list(library, chosen, None, json=True)
        elif session is None and run is None and env is None:
            raise UsageError("Say what to label: a SESSION (acc sessions lists them), --run or --env.")
        else:
            _walk(library, chosen, only, labeller, again=again, show_verdict=show_verdict)


def _chosen(library: Library, session: str | None, run: str | None, env: str | None) -> list[str]:
    if session is not None:
        return [library.find_session(session)]
    run = library.find_run(run) if run is not None else None
    found = [summary.id for summary in reversed(library.sessions(run=run, env=env))]
    if not found:
        raise NotFound("No session on record matches; acc sessions lists them.")
    return found


def _walk(
    library: Library,
    sessions: list[str],
    only: Literal["judged", "writes", "interventions", "all"],
    labeller: str,
    *,
    again: bool,
    show_verdict: bool,
) -> None:
    from actorcritic_cli.cli.keys import Keys
    from actorcritic_cli.cli.labelling import Labelling, can_walk
    from actorcritic_cli.show.console import stdout
    from actorcritic_cli.show.values import several

    if not can_walk():
        raise UsageError(
            "Labelling asks for keys, and there is no terminal; label with --set STEP=approve or --set STEP=revise:WHY."
        )
    keys = Keys()
    labelling = Labelling(library, stdout(), keys, only=only, labeller=labeller, show_verdict=show_verdict, again=again)
    try:
        with keys:
            done = labelling.walk(sessions)
    except KeyboardInterrupt:
        say(f"\n{several(labelling.given, 'proposal')} labelled and kept; the same command goes on.")
        raise typer.Exit(EXIT_INTERRUPTED) from None
    if not labelling.asked:
        say("There is nothing here that you have not labelled; --again asks anew, --only all about every proposal.")
        return
    left = f"; {several(done.left, 'proposal')} left, the same command goes on" if done.left else ", none left"
    say(f"{several(done.labelled, 'proposal')} labelled{left}.")


def _set(library: Library, session: str, settings: list[str], labeller: str) -> None:
    from actorcritic_cli.show.values import several
    from actorcritic_cli.store.labels import put_label
    from actorcritic_cli.text import encodable, redact

    wanted = []
    for text in settings:
        place, equals, rest = text.partition("=")
        word, _, why = rest.partition(":")
        if not equals or word.strip() not in _WORDS:
            raise UsageError(f"'{text}' is no label; write STEP=approve, STEP=revise:WHY or STEP.ATTEMPT=….")
        step, attempt = _place(library, session, place)
        wanted.append((step, attempt, Label(_WORDS[word.strip()], encodable(redact(why.strip())), "human")))
    with library.database.writing():
        for step, attempt, given in wanted:
            put_label(library.database, session, step, attempt, given, labeller)
    say(f"{several(len(wanted), 'proposal')} of session {session} labelled.")


def _remove(library: Library, sessions: list[str], places: list[str], source: LabelSource, labeller: str) -> None:
    from actorcritic_cli.show.values import several
    from actorcritic_cli.store.labels import labels, take_label

    removed = 0
    with library.database.writing():
        for session in sessions:
            if places == ["all"]:
                found = labels(library.database, session=session, source=source, labeller=labeller)
                wanted = [(one.step, one.attempt) for one in list(found)]
            else:
                wanted = [_place(library, session, place) for place in places]
            removed += sum(take_label(library.database, session, *place, source, labeller) for place in wanted)
    if not removed:
        raise NotFound("There is no such label; acc label --list shows those on record.")
    say(f"{several(removed, 'label')} removed.")


def _place(library: Library, session: str, text: str) -> tuple[int, int]:
    """Return the step and attempt that a person means; a step with one proposal needs no attempt."""
    match = _PLACE.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"'{text}' names no proposal; write STEP or STEP.ATTEMPT (4, or 4.1 for its first revision).")
    step = int(match[1])
    rows = library.database.rows(
        "SELECT attempt FROM proposals WHERE session = ? AND step = ? ORDER BY attempt", (session, step)
    )
    if match[2] is not None or len(rows) == 1:
        return step, int(match[2] or rows[0]["attempt"])
    if not rows:
        raise NotFound(f"Session {session} has no proposal in step {step}; acc replay {session} shows its turns.")
    names = ", ".join(f"{step}.{row['attempt']}" for row in rows)
    raise UsageError(f"Step {step} of session {session} has several proposals; name one of {names}.")


def _list(library: Library, sessions: list[str], source: LabelSource | None, json: bool) -> None:
    from actorcritic_cli.store.labels import labels

    chosen = set(sessions)
    found = [
        one
        for one in labels(library.database, session=sessions[0] if len(sessions) == 1 else None, source=source)
        if one.session in chosen
    ]
    if json:
        print_json(found)
        return
    rows = [
        (one.session, f"{one.step}.{one.attempt}", one.tool or one.kind, one.source, one.labeller, one.label, one.why)
        for one in found
    ]
    print_table(("session", "proposal", "what", "source", "labeller", "label", "why"), rows)
    if not found:
        say("There are no such labels; acc label SESSION gives some, or --from-ground-truth.")


def _infer(library: Library, sessions: list[str], *, outcome: bool, json: bool) -> None:
    from actorcritic_cli.learn.labelling import label_by_ground_truth, label_by_outcome
    from actorcritic_cli.show.bar import counting
    from actorcritic_cli.show.console import stdout
    from actorcritic_cli.show.inferred import print_outcome, print_tally

    with counting("labelling sessions") as progress:
        if outcome:
            by_outcome = label_by_outcome(library, sessions, progress)
        else:
            by_truth = label_by_ground_truth(library, sessions, progress)
    if json:
        print_json(by_outcome if outcome else by_truth)
    elif outcome:
        print_outcome(stdout(), by_outcome)
    else:
        print_tally(stdout(), by_truth.tally)
    changed = by_outcome.labels if outcome else by_truth.labels
    say(
        f"proposals labelled: {changed.added:,} new, {changed.changed:,} changed, {changed.removed:,} removed, "
        f"{changed.same:,} as before."
    )
