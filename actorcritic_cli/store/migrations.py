"""The schema, as named migrations that are only ever appended to.

The tables follow the words of the field, so that a person with any SQLite browser can read them. ``events`` is the spine:
one row for every event of a session, in order; the other tables hold what the events say. Messages are
content-addressed (see ``hashing``): a session's accepted transcript is a chain of parents that ends in its head, and a
rejected proposal is a side branch of that chain.
"""

from __future__ import annotations

from typing import Any

from sqlite_utils import Migrations

migrations = Migrations("acc")

_TABLES = (
    """CREATE TABLE messages (
        id TEXT PRIMARY KEY,        -- hash of body and parent
        parent TEXT REFERENCES messages(id),
        role TEXT NOT NULL,
        body TEXT NOT NULL          -- canonical JSON: role, content, tool calls, tool name
    ) WITHOUT ROWID""",
    """CREATE TABLE critics (
        id TEXT PRIMARY KEY,        -- hash of file, prompt version and threshold
        name TEXT NOT NULL,
        file_sha256 TEXT,
        quantisation TEXT,
        prompt_version TEXT NOT NULL,
        threshold REAL NOT NULL,
        info TEXT NOT NULL          -- JSON
    ) WITHOUT ROWID""",
    """CREATE TABLE toolsets (
        id TEXT PRIMARY KEY,        -- hash of body
        body TEXT NOT NULL          -- JSON: the tools as the actor saw them, with their effects
    ) WITHOUT ROWID""",
    """CREATE TABLE runs (
        id TEXT PRIMARY KEY,
        created_at REAL NOT NULL,   -- Unix seconds, as everywhere
        env TEXT NOT NULL,
        dataset TEXT NOT NULL,
        config TEXT NOT NULL,       -- JSON: tasks, trials, the specification of every session
        planned INTEGER NOT NULL,   -- sessions
        source TEXT NOT NULL        -- live, or the imported format
    ) WITHOUT ROWID""",
    """CREATE TABLE sessions (
        id TEXT PRIMARY KEY,
        run TEXT REFERENCES runs(id),
        created_at REAL NOT NULL,
        ended_at REAL,
        env TEXT NOT NULL,
        dataset TEXT NOT NULL,
        task TEXT,                  -- the task's id, NULL for a free conversation
        trial INTEGER NOT NULL,
        actor TEXT NOT NULL,
        user TEXT NOT NULL,
        critic TEXT REFERENCES critics(id),
        supervise TEXT NOT NULL,    -- enforce, shadow or off
        termination TEXT,           -- NULL while the session is under way
        termination_message TEXT,
        reward REAL,                -- NULL where nothing was scored
        reward_info TEXT,           -- JSON
        state TEXT,                 -- hash of the environment's final state
        spec TEXT NOT NULL,         -- JSON: all it takes to hold the session again
        task_body TEXT,             -- JSON: the task as it was then
        toolset TEXT REFERENCES toolsets(id),
        opening TEXT REFERENCES messages(id),  -- last message before anyone spoke
        head TEXT REFERENCES messages(id),     -- last message of the accepted transcript
        source TEXT NOT NULL,
        extra TEXT NOT NULL         -- JSON
    ) WITHOUT ROWID""",
    "CREATE UNIQUE INDEX sessions_of_run ON sessions(run, task, trial) WHERE run IS NOT NULL",
    "CREATE INDEX sessions_by_env ON sessions(env, dataset)",
    """CREATE TABLE events (
        session TEXT NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,
        seq INTEGER NOT NULL,       -- 0, 1, 2 … without a gap
        kind TEXT NOT NULL,
        at REAL NOT NULL,
        step INTEGER,
        attempt INTEGER,
        PRIMARY KEY (session, seq)
    ) WITHOUT ROWID""",
    """CREATE TABLE model_calls (
        id INTEGER PRIMARY KEY,
        session TEXT NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,
        seq INTEGER NOT NULL,       -- the event that it led to
        step INTEGER NOT NULL,
        party TEXT NOT NULL,        -- actor, user, critic or judge
        model TEXT NOT NULL,
        request TEXT NOT NULL,      -- JSON: parameters; the messages are in the record
        response TEXT,              -- the provider's message as JSON
        input_tokens INTEGER,
        output_tokens INTEGER,
        cached_tokens INTEGER,
        usage TEXT NOT NULL,        -- JSON: the provider's own usage object
        cost REAL,                  -- US dollars; NULL when unknown
        latency REAL NOT NULL,      -- seconds
        retries TEXT NOT NULL,      -- JSON array: why earlier tries failed
        error TEXT,
        UNIQUE (session, seq)
    )""",
    """CREATE TABLE proposals (
        id INTEGER PRIMARY KEY,
        session TEXT NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,
        seq INTEGER NOT NULL,
        step INTEGER NOT NULL,
        attempt INTEGER NOT NULL,
        author TEXT NOT NULL,       -- actor or supervisor
        kind TEXT NOT NULL,         -- reply or tool_call
        tool TEXT,
        effect TEXT,                -- read, write or none; NULL for a reply
        message TEXT NOT NULL REFERENCES messages(id),
        exact TEXT NOT NULL,        -- JSON: the message with call ids and the provider's raw message
        problem TEXT,               -- why it cannot be carried out as it stands
        UNIQUE (session, step, attempt)
    )""",
    """CREATE TABLE verdicts (
        id INTEGER PRIMARY KEY,
        proposal INTEGER NOT NULL REFERENCES proposals(id) ON DELETE CASCADE,
        session TEXT NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,
        seq INTEGER,                -- NULL for a verdict given afterwards
        live INTEGER NOT NULL,      -- 1: given while the session was held; 0: re-judged
        critic TEXT NOT NULL,
        kind TEXT NOT NULL,         -- approve, revise or no_verdict
        why TEXT,                   -- timeout, crash, parse or context, with no_verdict
        message TEXT NOT NULL,
        p_revise REAL,
        threshold REAL,
        critique TEXT,              -- JSON
        latency REAL NOT NULL,
        detail TEXT NOT NULL,       -- JSON
        created_at REAL NOT NULL
    )""",
    "CREATE UNIQUE INDEX live_verdicts ON verdicts(session, seq) WHERE seq IS NOT NULL",
    "CREATE INDEX verdicts_of_proposal ON verdicts(proposal)",
    """CREATE TABLE decisions (
        id INTEGER PRIMARY KEY,
        proposal INTEGER NOT NULL REFERENCES proposals(id) ON DELETE CASCADE,
        session TEXT NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,
        seq INTEGER NOT NULL,
        decision TEXT NOT NULL,     -- accept, revise, escalate or stop
        escalate_to TEXT,           -- best, ask or handoff
        reason TEXT NOT NULL,
        critique TEXT,              -- JSON: what the actor was told
        decided_by TEXT NOT NULL,   -- supervisor or person
        UNIQUE (session, seq)
    )""",
    "CREATE INDEX decisions_of_proposal ON decisions(proposal)",
    """CREATE TABLE steps (
        session TEXT NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,
        step INTEGER NOT NULL,      -- 0 is the opening, the first words of the user
        acted_seq INTEGER,
        attempt INTEGER,            -- the accepted proposal
        message TEXT REFERENCES messages(id),      -- the accepted message as the protocol let it stand
        exact TEXT,                 -- JSON, where it differs from the proposal's
        observed_seq INTEGER,
        observation TEXT REFERENCES messages(id),  -- last message of what came back
        observations INTEGER,       -- how many messages came back
        error INTEGER,              -- 1: the tool call failed
        ends TEXT,                  -- how this observation ended the session
        latency REAL,               -- seconds until the observation
        PRIMARY KEY (session, step)
    ) WITHOUT ROWID""",
    """CREATE TABLE failures (
        session TEXT NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,
        seq INTEGER NOT NULL,
        step INTEGER NOT NULL,
        party TEXT NOT NULL,
        message TEXT NOT NULL,
        reason TEXT NOT NULL,       -- the termination that it leads to
        PRIMARY KEY (session, seq)
    ) WITHOUT ROWID""",
    """CREATE TABLE labels (
        id INTEGER PRIMARY KEY,
        proposal INTEGER NOT NULL REFERENCES proposals(id) ON DELETE CASCADE,
        source TEXT NOT NULL,       -- oracle, human or outcome
        label TEXT NOT NULL,        -- approve or revise
        why TEXT NOT NULL,
        created_at REAL NOT NULL
    )""",
    "CREATE INDEX labels_of_proposal ON labels(proposal)",
    """CREATE VIEW transcript AS
        WITH RECURSIVE chain(session, id, parent, role, body, back) AS (
            SELECT s.id, m.id, m.parent, m.role, m.body, 0 FROM sessions s JOIN messages m ON m.id = s.head
            UNION ALL
            SELECT c.session, m.id, m.parent, m.role, m.body, c.back + 1 FROM chain c JOIN messages m ON m.id = c.parent
        )
        SELECT session, back, id, role, json_extract(body, '$.content') AS content,
               json_extract(body, '$.tool_calls') AS tool_calls FROM chain""",
    """CREATE VIEW interventions AS
        SELECT d.session, p.step, p.attempt, p.kind, p.tool, d.decision, d.reason, v.p_revise,
               json_extract(d.critique, '$.text') AS critique
        FROM decisions d JOIN proposals p ON p.id = d.proposal
        LEFT JOIN verdicts v ON v.proposal = p.id AND v.live = 1
        WHERE d.decision <> 'accept'""",
)


@migrations()
def m001_first_schema(db: Any) -> None:
    """Create the record: messages, sessions and what happened in them."""
    for statement in _TABLES:
        db.execute(statement)


@migrations()
def m002_whose_failure(db: Any) -> None:
    """Keep whose failure a failed session is: actor, user, critic, environment or infrastructure."""
    db.execute("ALTER TABLE sessions ADD COLUMN fault TEXT")


@migrations()
def m003_judged_again(db: Any) -> None:
    """A critic's word on a proposal afterwards is kept once; the newest session is found without reading all."""
    db.execute("CREATE UNIQUE INDEX rejudged_verdicts ON verdicts(proposal, critic) WHERE live = 0")
    db.execute("CREATE INDEX sessions_by_time ON sessions(created_at)")


@migrations()
def m004_several_calls_an_event(db: Any) -> None:
    """Let several model calls lead to one event: a verdict can take two, and a panel's takes those of its members."""
    db.execute(
        """CREATE TABLE model_calls_new (
            id INTEGER PRIMARY KEY,
            session TEXT NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,
            seq INTEGER NOT NULL,       -- the event that it led to
            number INTEGER NOT NULL DEFAULT 0,  -- among the calls that led to it
            step INTEGER NOT NULL,
            party TEXT NOT NULL,        -- actor, user, critic or judge
            model TEXT NOT NULL,
            request TEXT NOT NULL,      -- JSON: parameters; the messages are in the record
            response TEXT,              -- the provider's message as JSON
            input_tokens INTEGER,
            output_tokens INTEGER,
            cached_tokens INTEGER,
            usage TEXT NOT NULL,        -- JSON: the provider's own usage object
            cost REAL,                  -- US dollars; NULL when unknown
            latency REAL NOT NULL,      -- seconds
            retries TEXT NOT NULL,      -- JSON array: why earlier tries failed
            error TEXT,
            UNIQUE (session, seq, number)
        )"""
    )
    columns = (
        "id, session, seq, step, party, model, request, response, input_tokens, output_tokens, cached_tokens, usage, cost, "
        "latency, retries, error"
    )
    db.execute(f"INSERT INTO model_calls_new ({columns}) SELECT {columns} FROM model_calls")
    db.execute("DROP TABLE model_calls")
    db.execute("ALTER TABLE model_calls_new RENAME TO model_calls")


_LABELS_AND_SEARCH = (
    # Who gave a human label, where more than one person labels; and the event that brought a label, NULL for one given
    # afterwards.
    "ALTER TABLE labels ADD COLUMN labeller TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE labels ADD COLUMN seq INTEGER",
    "UPDATE labels SET seq = (SELECT p.seq FROM proposals p JOIN events e ON e.session = p.session AND e.seq = p.seq "
    "WHERE p.id = labels.proposal AND e.at = labels.created_at)",
    # What a person ruled in a chat is that person's label of the proposal.
    "INSERT INTO labels (proposal, source, label, why, created_at, seq) "
    "SELECT d.proposal, 'human', CASE d.decision WHEN 'accept' THEN 'approve' ELSE 'revise' END, "
    "coalesce(json_extract(d.critique, '$.text'), d.reason), e.at, d.seq FROM decisions d JOIN events e "
    "ON e.session = d.session AND e.seq = d.seq WHERE d.decided_by = 'person' AND d.decision IN ('accept', 'revise') "
    "ORDER BY d.id",
    """CREATE VIEW newest_labels AS
        SELECT * FROM labels l
        WHERE l.id = (SELECT max(id) FROM labels WHERE proposal = l.proposal AND source = l.source)""",
    "CREATE INDEX interventions_of_session ON decisions(session) WHERE decision <> 'accept'",
    # Full text, filled when it is first searched (see store.search). A row's number is that of its session, shifted,
    # plus that of its event.
    """CREATE TABLE search_sessions (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        session TEXT NOT NULL UNIQUE REFERENCES sessions(id) ON DELETE CASCADE,
        events INTEGER NOT NULL     -- how many events of it are in the index
    )""",
    "CREATE VIRTUAL TABLE search USING fts5(text, content = '', tokenize = 'unicode61 remove_diacritics 2')",
)


@migrations()
def m005_labels_and_search(db: Any) -> None:
    """Labels by people, from ground truth and from outcomes; full-text search."""
    for statement in _LABELS_AND_SEARCH:
        db.execute(statement)


@migrations()
def m006_choices(db: Any) -> None:
    """Keep what was chosen among several candidates for one action, and what the critic said of them."""
    db.execute(
        """CREATE TABLE choices (
            session TEXT NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,
            seq INTEGER NOT NULL,
            step INTEGER NOT NULL,
            candidates INTEGER NOT NULL,    -- the proposals made as attempts 0 to candidates - 1
            chosen INTEGER NOT NULL,        -- the attempt that went on to be judged; the others were set aside
            reason TEXT NOT NULL,
            compared TEXT NOT NULL,         -- JSON: the attempts that were compared
            critic TEXT,                    -- who compared; NULL where nothing was
            scores TEXT,                    -- JSON: the probability of each to be the best one; empty when it failed
            why TEXT,                       -- timeout, crash, parse or context, when it failed
            message TEXT,
            latency REAL,                   -- seconds
            detail TEXT,                    -- JSON
            PRIMARY KEY (session, step)
        ) WITHOUT ROWID"""
    )


@migrations()
def m007_set_aside(db: Any) -> None:
    """Mark the candidates that were not taken: nothing was judged or decided of them."""
    db.execute("ALTER TABLE proposals ADD COLUMN set_aside INTEGER NOT NULL DEFAULT 0")
    db.execute(
        "UPDATE proposals SET set_aside = 1 WHERE EXISTS (SELECT 1 FROM choices c WHERE c.session = proposals.session "
        "AND c.step = proposals.step AND proposals.attempt < c.candidates AND proposals.attempt <> c.chosen)"
    )
