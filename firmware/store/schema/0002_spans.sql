-- E1 spans and the numbers of trunks.

-- A span belongs to the box; its id is its place in the model, from 1.
CREATE TABLE spans (
  id        INTEGER PRIMARY KEY,
  name      TEXT NOT NULL UNIQUE,
  settings  TEXT NOT NULL CHECK (json_valid(settings))   -- side, overlap, digits, blocked slots
) STRICT;

-- A number is owned by a trunk and granted to one tenant, or to nobody yet.
CREATE TABLE numbers (
  id          INTEGER PRIMARY KEY,
  number      TEXT    NOT NULL UNIQUE,                    -- as it is shown and called
  trunk_id    INTEGER NOT NULL REFERENCES trunks (id),
  tenant_id   INTEGER REFERENCES tenants (id),
  route       TEXT    NOT NULL CHECK (json_valid(route)), -- where calls to it go
  note        TEXT    NOT NULL DEFAULT '',
  created_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX numbers_by_trunk ON numbers (trunk_id, number);
CREATE INDEX numbers_by_tenant ON numbers (tenant_id, number) WHERE tenant_id IS NOT NULL;

-- On which channel a call was, and which of our numbers it was called on.
ALTER TABLE calls ADD COLUMN span INTEGER;
ALTER TABLE calls ADD COLUMN slot INTEGER;
ALTER TABLE calls ADD COLUMN called TEXT;
