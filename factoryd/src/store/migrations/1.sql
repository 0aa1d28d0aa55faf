-- Schema 1. Times are nanoseconds since 1970; booleans are 0 and 1; JSON is described in rows.rs.

-- An image as it is now. What a list needs is here; long texts are in `documents`.
CREATE TABLE images (
    number       INTEGER PRIMARY KEY AUTOINCREMENT,
    id           TEXT    NOT NULL UNIQUE,
    kind         TEXT    NOT NULL,
    status       TEXT    NOT NULL,
    settled      INTEGER NOT NULL,
    percent      REAL    NOT NULL,
    activity     TEXT    NOT NULL,
    name         TEXT    NOT NULL,
    parent       TEXT    REFERENCES images (id),
    target       TEXT,
    provider     TEXT,
    snapshot     INTEGER NOT NULL,
    attempt      INTEGER NOT NULL,
    created      INTEGER NOT NULL,
    updated      INTEGER NOT NULL,
    first_cursor INTEGER NOT NULL,
    last_cursor  INTEGER NOT NULL,
    owner        TEXT    NOT NULL,
    cancel       INTEGER NOT NULL DEFAULT 0,
    format       INTEGER NOT NULL,
    detail       TEXT    NOT NULL
) STRICT;

CREATE INDEX images_parent ON images (parent);
CREATE INDEX images_unsettled ON images (owner) WHERE settled = 0;

-- Long texts of an image: `template`, `icicle`.
CREATE TABLE documents (
    image INTEGER NOT NULL REFERENCES images (number),
    name  TEXT    NOT NULL,
    body  TEXT    NOT NULL,
    PRIMARY KEY (image, name)
) STRICT, WITHOUT ROWID;

-- What happened. AUTOINCREMENT: a cursor is never used twice.
CREATE TABLE events (
    cursor INTEGER PRIMARY KEY AUTOINCREMENT,
    image  INTEGER NOT NULL REFERENCES images (number),
    time   INTEGER NOT NULL,
    log    INTEGER NOT NULL,
    format INTEGER NOT NULL,
    body   TEXT    NOT NULL
) STRICT;

CREATE INDEX events_image ON events (image);
CREATE INDEX events_image_no_log ON events (image) WHERE log = 0;

-- The ledger: what plugins made, or meant to make, outside this machine.
CREATE TABLE resources (
    number      INTEGER PRIMARY KEY,
    image       INTEGER NOT NULL REFERENCES images (number),
    intent      TEXT    NOT NULL,
    state       TEXT    NOT NULL,
    kind        TEXT    NOT NULL,
    description TEXT    NOT NULL,
    locator     TEXT    NOT NULL,
    resource    TEXT    NOT NULL
) STRICT;

CREATE INDEX resources_image ON resources (image, intent);
CREATE INDEX resources_open ON resources (image) WHERE state <> 'deleted';
