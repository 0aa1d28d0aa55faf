-- Schema 5: the journal. How far the work on an image is, step by step; one row for each step that was begun.
CREATE TABLE steps (
    image         INTEGER NOT NULL REFERENCES images (number),
    name          TEXT    NOT NULL,
    state         TEXT    NOT NULL,
    -- How often it was begun; and what interrupted it since the image's present attempt began.
    tries         INTEGER NOT NULL,
    crashes       INTEGER NOT NULL DEFAULT 0,
    interruptions INTEGER NOT NULL DEFAULT 0,
    begun         INTEGER NOT NULL,
    ended         INTEGER,
    -- JSON, if it is done; format 0: nothing.
    format        INTEGER NOT NULL DEFAULT 0,
    result        TEXT    NOT NULL DEFAULT '',
    PRIMARY KEY (image, name)
) STRICT, WITHOUT ROWID;

-- The start of the machine on which the store was opened last. After another one, some cursors are left out: events that a
-- power cut took back may have been read, and what comes then must not be taken for them.
CREATE TABLE machine (
    boot TEXT NOT NULL
) STRICT;
