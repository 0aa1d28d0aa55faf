-- Schema 4: where changes of an image's status are to be told, and how far that is. Credentials are not here.
CREATE TABLE callbacks (
    id          TEXT    NOT NULL PRIMARY KEY,
    image       INTEGER NOT NULL REFERENCES images (number),
    url         TEXT    NOT NULL,
    origin      TEXT    NOT NULL,
    credentials INTEGER NOT NULL,
    owner       TEXT    NOT NULL,
    state       TEXT    NOT NULL,
    -- The cursors of the image's last change of status, and of the last one that was delivered.
    pending     INTEGER NOT NULL,
    delivered   INTEGER NOT NULL,
    -- Of the delivery that is due: how often it failed, since when, why, and when to try again.
    attempts    INTEGER NOT NULL DEFAULT 0,
    failing     INTEGER,
    problem     TEXT    NOT NULL DEFAULT '',
    next        INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX callbacks_image ON callbacks (image) WHERE state = 'active';
CREATE INDEX callbacks_owner ON callbacks (owner) WHERE state = 'active';
