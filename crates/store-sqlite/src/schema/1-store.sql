-- Times are microseconds since 1970. A place is an organisation's id, or sixteen zeros for the gateway itself.

CREATE TABLE record (
    id      INTEGER PRIMARY KEY,
    kind    TEXT NOT NULL,
    place   BLOB NOT NULL,
    key     TEXT NOT NULL,
    version INTEGER NOT NULL,
    body    TEXT NOT NULL,
    expires INTEGER,
    UNIQUE (kind, place, key)
) STRICT;

CREATE INDEX record_expires ON record (expires) WHERE expires IS NOT NULL;

-- What a record is found by. `sole` says among what the value is unique: the place, nothing at all for
-- everywhere, NULL where many share it.
CREATE TABLE lookup (
    record INTEGER NOT NULL REFERENCES record ON DELETE CASCADE,
    kind   TEXT NOT NULL,
    name   TEXT NOT NULL,
    value  TEXT NOT NULL,
    place  BLOB NOT NULL,
    key    TEXT NOT NULL,
    sole   BLOB,
    PRIMARY KEY (record, name, value)
) STRICT, WITHOUT ROWID;

CREATE INDEX lookup_value ON lookup (kind, name, value, place, key);
CREATE UNIQUE INDEX lookup_sole ON lookup (kind, name, value, sole) WHERE sole IS NOT NULL;

-- `state`: 0 waits, 1 runs, 2 is dead, 3 is done. `ready` is when a worker may take it: when it is due, or
-- when the lease lapses; NULL when no worker may. `again` is when it was asked for once more while it ran.
CREATE TABLE job (
    id       BLOB PRIMARY KEY,
    kind     TEXT NOT NULL,
    place    BLOB NOT NULL,
    key      TEXT,
    body     TEXT NOT NULL,
    state    INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    due      INTEGER NOT NULL,
    ready    INTEGER,
    again    INTEGER,
    token    BLOB,
    node     BLOB,
    reason   TEXT,
    created  INTEGER NOT NULL,
    changed  INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX job_key ON job (kind, place, key) WHERE key IS NOT NULL AND ready IS NOT NULL;
CREATE INDEX job_ready ON job (ready) WHERE ready IS NOT NULL;
CREATE INDEX job_place ON job (place, id);
CREATE INDEX job_done ON job (changed) WHERE state = 3;

CREATE TABLE log (
    id         INTEGER PRIMARY KEY,
    place      BLOB NOT NULL UNIQUE,
    size       INTEGER NOT NULL,
    frontier   BLOB NOT NULL,
    signed     INTEGER NOT NULL DEFAULT 0,
    checkpoint TEXT
) STRICT;

CREATE INDEX log_unsigned ON log (id) WHERE size > signed;

-- `leaf` and `withheld` are NULL when retention has removed them.
CREATE TABLE entry (
    id       INTEGER PRIMARY KEY,
    log      INTEGER NOT NULL REFERENCES log,
    sequence INTEGER NOT NULL,
    entry    BLOB NOT NULL,
    time     INTEGER NOT NULL,
    act      TEXT NOT NULL,
    failed   INTEGER NOT NULL,
    hash     BLOB NOT NULL,
    leaf     TEXT,
    withheld TEXT,
    UNIQUE (log, sequence)
) STRICT;

CREATE INDEX entry_failed ON entry (log, sequence) WHERE failed;

-- What finds an entry besides its number.
CREATE TABLE term (
    log      INTEGER NOT NULL,
    term     TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    PRIMARY KEY (log, term, sequence)
) STRICT, WITHOUT ROWID;

-- The roots of full blocks of leaves, of which proofs are made.
CREATE TABLE block (
    log    INTEGER NOT NULL,
    number INTEGER NOT NULL,
    root   BLOB NOT NULL,
    PRIMARY KEY (log, number)
) STRICT, WITHOUT ROWID;
