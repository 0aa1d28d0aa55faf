-- Schema 3: who may call. A token itself is not kept, only its SHA-256.
CREATE TABLE tokens (
    id        TEXT    NOT NULL PRIMARY KEY,
    name      TEXT    NOT NULL,
    role      TEXT    NOT NULL,
    digest    BLOB    NOT NULL,
    created   INTEGER NOT NULL,
    expires   INTEGER,
    last_used INTEGER
) STRICT;

-- Signed requests from clients whose clock is ahead: they could come again after a restart. `second` is since 1970.
CREATE TABLE signed_ahead (
    client TEXT    NOT NULL,
    second INTEGER NOT NULL,
    nonce  BLOB    NOT NULL,
    PRIMARY KEY (client, second, nonce)
) STRICT, WITHOUT ROWID;
