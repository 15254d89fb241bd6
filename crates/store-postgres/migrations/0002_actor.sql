-- Who asked for an entry, as a digest. It goes when what the entry withholds goes. What was written before has none.
ALTER TABLE entries ADD COLUMN actor bytea;

CREATE INDEX entries_actor ON entries (place, actor, sequence) WHERE actor IS NOT NULL;
