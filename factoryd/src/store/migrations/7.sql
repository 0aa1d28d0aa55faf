-- Schema 7: room on the disk that is promised to builds; a row goes when its image is settled.
CREATE TABLE reservations (
    image TEXT    NOT NULL PRIMARY KEY,
    owner TEXT    NOT NULL,
    bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
