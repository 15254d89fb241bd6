-- Who asked for an entry, as a digest. It goes when what the entry withholds goes. What was written before has none.
ALTER TABLE entry ADD COLUMN actor BLOB;

CREATE INDEX entry_actor ON entry (log, actor, sequence) WHERE actor IS NOT NULL;
