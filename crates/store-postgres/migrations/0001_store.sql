-- Places are organisations' ids; zeros stand for the gateway itself. Keys and lookups sort by bytes.

CREATE TABLE records (
    kind    text COLLATE "C" NOT NULL,
    place   uuid NOT NULL,
    key     text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    body    text NOT NULL,
    expires timestamptz,
    PRIMARY KEY (kind, place, key)
) WITH (fillfactor = 85);

CREATE INDEX records_expiring ON records (expires) WHERE expires IS NOT NULL;

-- `only_in`: among what the value is unique: its place, everything (all bits set), or nothing.
CREATE TABLE lookups (
    kind    text COLLATE "C" NOT NULL,
    place   uuid NOT NULL,
    key     text COLLATE "C" NOT NULL,
    name    text COLLATE "C" NOT NULL,
    value   text COLLATE "C" NOT NULL,
    only_in uuid,
    PRIMARY KEY (kind, place, key, name, value)
);

CREATE UNIQUE INDEX lookups_only ON lookups (kind, name, value, only_in) WHERE only_in IS NOT NULL;
CREATE INDEX lookups_found ON lookups (kind, name, value, place, key);

-- `state`: 0 waiting, 1 running, 2 dead, 3 done. `next`: when a worker may take it, which is when it is due, or
-- when its lease lapses. `again`: when it was asked for once more while it ran. `token` stays after the end, so
-- that whoever ended it and lost the answer can see that it did.
CREATE TABLE jobs (
    id       uuid PRIMARY KEY,
    kind     text COLLATE "C" NOT NULL,
    org      uuid NOT NULL,
    key      text COLLATE "C",
    body     text NOT NULL,
    state    smallint NOT NULL,
    failures integer NOT NULL DEFAULT 0,
    due      timestamptz NOT NULL,
    next     timestamptz,
    again    timestamptz,
    created  timestamptz NOT NULL,
    changed  timestamptz NOT NULL,
    reason   text,
    node     uuid,
    token    uuid
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02);

CREATE INDEX jobs_next ON jobs (next) WHERE next IS NOT NULL;
CREATE UNIQUE INDEX jobs_only ON jobs (kind, org, key) WHERE key IS NOT NULL AND state < 2;
CREATE INDEX jobs_of_org ON jobs (org, id) WHERE org <> '00000000-0000-0000-0000-000000000000';
CREATE INDEX jobs_done ON jobs (changed) WHERE state = 3;

-- `unsigned`: no checkpoint covers all of it. A column of its own, so that growing changes no index.
CREATE TABLE logs (
    place           uuid PRIMARY KEY,
    frontier        bytea NOT NULL,
    unsigned        boolean NOT NULL,
    checkpoint_size bigint,
    checkpoint_note text
) WITH (fillfactor = 50);

CREATE INDEX logs_unsigned ON logs (place) WHERE unsigned;

-- Retention empties `leaf` and `withheld`.
CREATE TABLE entries (
    place    uuid NOT NULL,
    sequence bigint NOT NULL,
    id       uuid NOT NULL,
    time     timestamptz NOT NULL,
    act      text COLLATE "C" NOT NULL,
    failed   boolean NOT NULL,
    leaf     text,
    withheld text,
    hash     bytea NOT NULL,
    PRIMARY KEY (place, sequence)
);

CREATE INDEX entries_failed ON entries (place, sequence) WHERE failed;
CREATE INDEX entries_time ON entries USING brin (time);

CREATE TABLE entry_terms (
    place    uuid NOT NULL,
    term     text COLLATE "C" NOT NULL,
    sequence bigint NOT NULL,
    PRIMARY KEY (place, term, sequence)
);

CREATE TABLE blocks (
    place  uuid NOT NULL,
    number bigint NOT NULL,
    root   bytea NOT NULL,
    PRIMARY KEY (place, number)
);
