-- "viewer" is the user whose token reads: the sponsor at first, the agent user later. The self-chat has the
-- same id for everyone, so a chat's id alone says little. Times are milliseconds since 1970.

-- When this viewer began to listen.
CREATE TABLE watch (
    viewer TEXT PRIMARY KEY,
    since  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- How far a chat has been read: the creation time of the newest message seen.
CREATE TABLE cursor (
    viewer TEXT NOT NULL,
    chat   TEXT NOT NULL,
    at     INTEGER NOT NULL,
    PRIMARY KEY (viewer, chat)
) STRICT, WITHOUT ROWID;

-- A row here means: this message has been taken in, by whichever process it was, and never again.
CREATE TABLE claim (
    viewer  TEXT NOT NULL,
    chat    TEXT NOT NULL,
    message TEXT NOT NULL,
    PRIMARY KEY (viewer, chat, message)
) STRICT, WITHOUT ROWID;

-- Claimed and not yet known to have been seen. "owner" is the process that is pushing it, until "lease";
-- "pushed" is when it was handed to a host, which may have dropped it.
CREATE TABLE unread (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    viewer      TEXT NOT NULL,
    chat        TEXT NOT NULL,
    message     TEXT NOT NULL,
    sent        INTEGER NOT NULL,
    sender      TEXT NOT NULL,
    sender_name TEXT NOT NULL,
    sponsor     INTEGER NOT NULL,
    content     TEXT NOT NULL,
    owner       TEXT,
    lease       INTEGER,
    pushed      INTEGER
) STRICT;
CREATE INDEX unread_chat ON unread (chat);

-- Messages that we posted ourselves, the sponsor's token included.
CREATE TABLE sent (
    chat    TEXT NOT NULL,
    message TEXT NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (chat, message)
) STRICT, WITHOUT ROWID;
