-- Schema 6: what is left over outside this machine is settled by the plugin that made it, whenever that works.
ALTER TABLE resources ADD COLUMN plugin    TEXT    NOT NULL DEFAULT '';
ALTER TABLE resources ADD COLUMN operation TEXT    NOT NULL DEFAULT '';
ALTER TABLE resources ADD COLUMN declared  INTEGER NOT NULL DEFAULT 0;
-- Meant to stay with its image; and does, since that is complete.
ALTER TABLE resources ADD COLUMN lasting   INTEGER NOT NULL DEFAULT 0;
ALTER TABLE resources ADD COLUMN kept      INTEGER NOT NULL DEFAULT 0;
-- Who settles it now, how often that was tried, what was in the way, and when to try again.
ALTER TABLE resources ADD COLUMN reaper    TEXT    NOT NULL DEFAULT '';
ALTER TABLE resources ADD COLUMN attempts  INTEGER NOT NULL DEFAULT 0;
ALTER TABLE resources ADD COLUMN problem   TEXT    NOT NULL DEFAULT '';
ALTER TABLE resources ADD COLUMN keyless   INTEGER NOT NULL DEFAULT 0;
ALTER TABLE resources ADD COLUMN next      INTEGER NOT NULL DEFAULT 0;

-- Until now nothing that was confirmed was temporary.
UPDATE resources SET lasting = 1 WHERE state = 'created';
UPDATE resources SET kept = 1 WHERE state = 'created'
    AND image IN (SELECT number FROM images WHERE status IN ('COMPLETE', 'DELETING', 'DELETEFAILED'));
UPDATE resources SET state = 'deleted' WHERE state = 'created'
    AND image IN (SELECT number FROM images WHERE status = 'DELETED');
UPDATE resources SET declared = (SELECT i.created FROM images i WHERE i.number = resources.image);

CREATE INDEX resources_left_over ON resources (image) WHERE state <> 'deleted' AND kept = 0;
