-- Schema 2: lists by kind and by name read no more of the table than they show.

CREATE INDEX images_kind ON images (kind) WHERE status <> 'DELETED';
CREATE INDEX images_kind_status ON images (kind, status);
CREATE INDEX images_name ON images (name);
