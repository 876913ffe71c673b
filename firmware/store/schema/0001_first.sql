-- Version 1: the first call. Ids are integers, instants UTC milliseconds (`_at`), lengths
-- milliseconds (`_ms`), numbers E.164 with the raw text kept beside, words as in the code's enums.
-- A business row carries its tenant. Where a row points at a small table of the same tenant the
-- foreign key is (tenant_id, id), so that no row can ever point across tenants.

-- The box itself -----------------------------------------------------------------------------

CREATE TABLE box (
  one              INTEGER PRIMARY KEY CHECK (one = 1),
  box_id           TEXT    NOT NULL,
  created_at       INTEGER NOT NULL,
  desired_version  INTEGER NOT NULL DEFAULT 0,  -- of the document pushed to switchd
  next_recording   INTEGER NOT NULL DEFAULT 1
) STRICT;

CREATE TABLE epochs (
  epoch       INTEGER PRIMARY KEY,
  started_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE box_settings (
  key    TEXT PRIMARY KEY,
  value  TEXT NOT NULL CHECK (json_valid(value))
) STRICT, WITHOUT ROWID;

CREATE TABLE tenants (
  id          INTEGER PRIMARY KEY,
  name        TEXT    NOT NULL UNIQUE,
  created_at  INTEGER NOT NULL,
  disabled    INTEGER NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1))
) STRICT;

CREATE TABLE trunks (
  id          INTEGER PRIMARY KEY,
  name        TEXT    NOT NULL UNIQUE,
  settings    TEXT    NOT NULL CHECK (json_valid(settings)),  -- host, port, user, codecs, limits
  secret      BLOB,                                           -- sealed password
  created_at  INTEGER NOT NULL,
  disabled    INTEGER NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1))
) STRICT;

CREATE TABLE trunk_grants (
  tenant_id  INTEGER NOT NULL REFERENCES tenants (id),
  trunk_id   INTEGER NOT NULL REFERENCES trunks (id),
  calls_max  INTEGER NOT NULL CHECK (calls_max > 0),
  caller_id  TEXT,
  PRIMARY KEY (tenant_id, trunk_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE alarms (
  id          INTEGER PRIMARY KEY,
  tenant_id   INTEGER REFERENCES tenants (id),  -- null: the box itself
  kind        TEXT    NOT NULL,
  subject     TEXT    NOT NULL,
  severity    TEXT    NOT NULL CHECK (severity IN ('warning', 'critical')),
  detail      TEXT    NOT NULL,
  raised_at   INTEGER NOT NULL,
  cleared_at  INTEGER
) STRICT;
CREATE UNIQUE INDEX alarms_open ON alarms (ifnull(tenant_id, 0), kind, subject)
  WHERE cleared_at IS NULL;

-- Who may do what ----------------------------------------------------------------------------

CREATE TABLE persons (
  id             INTEGER PRIMARY KEY,
  tenant_id      INTEGER NOT NULL REFERENCES tenants (id),
  login          TEXT    NOT NULL UNIQUE,
  name           TEXT    NOT NULL,
  role           TEXT    NOT NULL
    CHECK (role IN ('operator', 'administrator', 'leader', 'quality', 'agent')),
  password_hash  TEXT    NOT NULL,
  must_change    INTEGER NOT NULL CHECK (must_change IN (0, 1)),
  failures       INTEGER NOT NULL DEFAULT 0,
  locked_until   INTEGER,
  disabled       INTEGER NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1)),
  created_at     INTEGER NOT NULL,
  UNIQUE (tenant_id, id)
) STRICT;

CREATE TABLE sessions (
  token_hash  BLOB    PRIMARY KEY,
  tenant_id   INTEGER NOT NULL,
  person_id   INTEGER NOT NULL,
  created_at  INTEGER NOT NULL,
  expires_at  INTEGER NOT NULL,
  remote      TEXT    NOT NULL,
  FOREIGN KEY (tenant_id, person_id) REFERENCES persons (tenant_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_person ON sessions (tenant_id, person_id);

CREATE TABLE api_tokens (
  id          INTEGER PRIMARY KEY,
  tenant_id   INTEGER NOT NULL REFERENCES tenants (id),
  name        TEXT    NOT NULL,
  token_hash  BLOB    NOT NULL UNIQUE,
  rights      TEXT    NOT NULL CHECK (json_valid(rights)),
  created_at  INTEGER NOT NULL,
  expires_at  INTEGER,
  revoked_at  INTEGER,
  UNIQUE (tenant_id, name)
) STRICT;

CREATE TABLE accounts (
  id          INTEGER PRIMARY KEY,
  tenant_id   INTEGER NOT NULL REFERENCES tenants (id),
  user        TEXT    NOT NULL UNIQUE,  -- one registrar serves the box
  label       TEXT    NOT NULL,
  secret      BLOB    NOT NULL,         -- sealed
  ha1         BLOB    NOT NULL,         -- sealed
  calls_max   INTEGER NOT NULL CHECK (calls_max > 0),
  disabled    INTEGER NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1)),
  created_at  INTEGER NOT NULL,
  UNIQUE (tenant_id, id)
) STRICT;

CREATE TABLE agents (
  id          INTEGER PRIMARY KEY,
  tenant_id   INTEGER NOT NULL REFERENCES tenants (id),
  number      TEXT    NOT NULL,
  name        TEXT    NOT NULL,
  pin_hash    TEXT    NOT NULL,
  person_id   INTEGER,
  account_id  INTEGER,
  language    TEXT    NOT NULL,
  seat        TEXT    NOT NULL CHECK (seat IN ('nailed_up', 'per_call')),
  disabled    INTEGER NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1)),
  created_at  INTEGER NOT NULL,
  UNIQUE (tenant_id, id),
  UNIQUE (tenant_id, number),
  FOREIGN KEY (tenant_id, person_id) REFERENCES persons (tenant_id, id),
  FOREIGN KEY (tenant_id, account_id) REFERENCES accounts (tenant_id, id)
) STRICT;

CREATE TABLE destination_rules (
  id         INTEGER PRIMARY KEY,
  tenant_id  INTEGER NOT NULL REFERENCES tenants (id),
  prefix     TEXT    NOT NULL,
  verdict    TEXT    NOT NULL CHECK (verdict IN ('allow', 'deny')),
  note       TEXT    NOT NULL,
  UNIQUE (tenant_id, prefix)
) STRICT;

CREATE TABLE tenant_settings (
  tenant_id  INTEGER NOT NULL REFERENCES tenants (id),
  key        TEXT    NOT NULL,
  value      TEXT    NOT NULL CHECK (json_valid(value)),
  PRIMARY KEY (tenant_id, key)
) STRICT, WITHOUT ROWID;

-- Campaigns and their lists ------------------------------------------------------------------

CREATE TABLE campaigns (
  id          INTEGER PRIMARY KEY,
  tenant_id   INTEGER NOT NULL REFERENCES tenants (id),
  name        TEXT    NOT NULL,
  state       TEXT    NOT NULL,
  state_at    INTEGER NOT NULL,
  settings    TEXT    NOT NULL CHECK (json_valid(settings)),  -- trunks, agents, hours, retries
  created_at  INTEGER NOT NULL,
  UNIQUE (tenant_id, id),
  UNIQUE (tenant_id, name)
) STRICT;

-- The list that a new campaign of the tenant starts with; each campaign then has its own.
CREATE TABLE dispositions (
  tenant_id  INTEGER NOT NULL REFERENCES tenants (id),
  digit      INTEGER NOT NULL CHECK (digit BETWEEN 1 AND 9),
  label      TEXT    NOT NULL,
  category   TEXT    NOT NULL,
  PRIMARY KEY (tenant_id, digit)
) STRICT, WITHOUT ROWID;

CREATE TABLE dnc (
  id           INTEGER PRIMARY KEY,
  tenant_id    INTEGER NOT NULL REFERENCES tenants (id),
  campaign_id  INTEGER,                 -- null: for every campaign of the tenant
  number       TEXT    NOT NULL,
  reason       TEXT    NOT NULL,
  added_at     INTEGER NOT NULL,
  FOREIGN KEY (tenant_id, campaign_id) REFERENCES campaigns (tenant_id, id)
) STRICT;
CREATE UNIQUE INDEX dnc_number ON dnc (tenant_id, number, ifnull(campaign_id, 0));

CREATE TABLE lead_batches (
  id           INTEGER PRIMARY KEY,
  tenant_id    INTEGER NOT NULL,
  campaign_id  INTEGER NOT NULL,
  file_name    TEXT    NOT NULL,
  started_at   INTEGER NOT NULL,
  finished_at  INTEGER,
  last_row     INTEGER NOT NULL DEFAULT 0,  -- rows up to here are done; a retry begins after it
  accepted     INTEGER NOT NULL DEFAULT 0,
  repaired     INTEGER NOT NULL DEFAULT 0,
  duplicate    INTEGER NOT NULL DEFAULT 0,
  do_not_call  INTEGER NOT NULL DEFAULT 0,
  refused      INTEGER NOT NULL DEFAULT 0,
  UNIQUE (tenant_id, id),
  FOREIGN KEY (tenant_id, campaign_id) REFERENCES campaigns (tenant_id, id)
) STRICT;

-- Every row of a file that did not go in as it was written.
CREATE TABLE import_rows (
  tenant_id  INTEGER NOT NULL,
  batch_id   INTEGER NOT NULL,
  row        INTEGER NOT NULL,
  verdict    TEXT    NOT NULL CHECK (verdict IN ('repaired', 'duplicate', 'do_not_call', 'refused')),
  field      TEXT    NOT NULL,
  reason     TEXT    NOT NULL,
  raw        TEXT    NOT NULL,
  PRIMARY KEY (tenant_id, batch_id, row),
  FOREIGN KEY (tenant_id, batch_id) REFERENCES lead_batches (tenant_id, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE leads (
  id            INTEGER PRIMARY KEY,
  tenant_id     INTEGER NOT NULL,
  campaign_id   INTEGER NOT NULL,
  batch_id      INTEGER,
  number        TEXT,                   -- null only after erasure
  raw           TEXT    NOT NULL,
  name          TEXT    NOT NULL,
  fields        TEXT    NOT NULL,       -- JSON object
  state         TEXT    NOT NULL CHECK (state IN ('new', 'due', 'claimed', 'dialing', 'finished')),
  state_at      INTEGER,                -- due: from when; else since when; null while new
  reason        TEXT,                   -- of finished
  attempt_id    INTEGER,                -- the present attempt, or else the last one
  dialled       INTEGER NOT NULL DEFAULT 0,
  granted       INTEGER NOT NULL DEFAULT 0,
  last_outcome  TEXT,
  wish          TEXT,                   -- JSON: what a person wants once the attempt is over
  created_at    INTEGER NOT NULL,
  CHECK ((state_at IS NULL) = (state = 'new')),
  CHECK ((reason IS NOT NULL) = (state = 'finished')),
  FOREIGN KEY (tenant_id, campaign_id) REFERENCES campaigns (tenant_id, id)
) STRICT;
CREATE UNIQUE INDEX leads_number ON leads (campaign_id, number);
CREATE INDEX leads_new ON leads (campaign_id, id) WHERE state = 'new';
CREATE INDEX leads_due ON leads (campaign_id, state_at, id) WHERE state = 'due';

-- What was dialled ---------------------------------------------------------------------------

CREATE TABLE attempts (
  id              INTEGER PRIMARY KEY,
  tenant_id       INTEGER NOT NULL,
  campaign_id     INTEGER NOT NULL,
  lead_id         INTEGER NOT NULL REFERENCES leads (id),
  number          TEXT    NOT NULL,
  state           TEXT    NOT NULL CHECK (state IN ('claimed', 'dialing', 'ended')),
  epoch           INTEGER NOT NULL,     -- of the centerd that claimed it
  leg             INTEGER,
  trunk_id        INTEGER,
  caller_id       TEXT,
  agent_id        INTEGER,
  recording_id    INTEGER,
  created_at      INTEGER NOT NULL,     -- when the lead was chosen
  claimed_at      INTEGER NOT NULL,
  dialled_at      INTEGER,
  ringing_at      INTEGER,
  answered_at     INTEGER,
  joined_at       INTEGER,
  ended_at        INTEGER,
  outcome         TEXT,
  cause           TEXT,
  hung_up_by      TEXT CHECK (hung_up_by IN ('far', 'peer', 'box')),
  category        TEXT,                 -- of the disposition, with its label as it was then
  label           TEXT,
  note            TEXT,
  disposed_at     INTEGER,
  CHECK ((state = 'ended') = (outcome IS NOT NULL)),
  CHECK ((state = 'ended') = (ended_at IS NOT NULL)),
  FOREIGN KEY (tenant_id, campaign_id) REFERENCES campaigns (tenant_id, id),
  FOREIGN KEY (tenant_id, agent_id) REFERENCES agents (tenant_id, id)
) STRICT;
-- One attempt in flight for one lead, whatever the code believes.
CREATE UNIQUE INDEX attempts_in_flight ON attempts (lead_id) WHERE state != 'ended';
CREATE INDEX attempts_open ON attempts (tenant_id, id) WHERE state != 'ended';
CREATE INDEX attempts_by_lead ON attempts (lead_id, id);
CREATE INDEX attempts_by_time ON attempts (tenant_id, claimed_at, id);
CREATE INDEX attempts_by_campaign ON attempts (tenant_id, campaign_id, claimed_at, id);
CREATE INDEX attempts_by_agent ON attempts (tenant_id, agent_id, claimed_at, id)
  WHERE agent_id IS NOT NULL;
CREATE INDEX attempts_by_number ON attempts (tenant_id, number, claimed_at, id);

CREATE TABLE calls (
  id            INTEGER PRIMARY KEY,
  tenant_id     INTEGER NOT NULL REFERENCES tenants (id),
  leg           INTEGER NOT NULL UNIQUE,
  kind          TEXT    NOT NULL CHECK (kind IN ('campaign', 'outbound', 'inbound', 'internal', 'seat')),
  attempt_id    INTEGER REFERENCES attempts (id),
  campaign_id   INTEGER,
  agent_id      INTEGER,
  account_id    INTEGER,
  trunk_id      INTEGER,
  recording_id  INTEGER,
  number        TEXT    NOT NULL,       -- the other party, as the network said it
  caller_id     TEXT,
  created_at    INTEGER NOT NULL,
  dialled_at    INTEGER,
  ringing_at    INTEGER,
  answered_at   INTEGER,
  joined_at     INTEGER,
  ended_at      INTEGER,
  cause         TEXT,
  hung_up_by    TEXT CHECK (hung_up_by IN ('far', 'peer', 'box')),
  CHECK ((ended_at IS NULL) = (cause IS NULL)),
  FOREIGN KEY (tenant_id, campaign_id) REFERENCES campaigns (tenant_id, id),
  FOREIGN KEY (tenant_id, agent_id) REFERENCES agents (tenant_id, id),
  FOREIGN KEY (tenant_id, account_id) REFERENCES accounts (tenant_id, id)
) STRICT;
CREATE INDEX calls_by_time ON calls (tenant_id, created_at, id);
CREATE INDEX calls_by_campaign ON calls (tenant_id, campaign_id, created_at, id)
  WHERE campaign_id IS NOT NULL;
CREATE INDEX calls_by_agent ON calls (tenant_id, agent_id, created_at, id)
  WHERE agent_id IS NOT NULL;
CREATE INDEX calls_by_number ON calls (tenant_id, number, created_at, id);
CREATE INDEX calls_open ON calls (tenant_id, id) WHERE ended_at IS NULL;

CREATE TABLE recordings (
  id           INTEGER PRIMARY KEY,     -- reserved before the sound begins
  tenant_id    INTEGER NOT NULL REFERENCES tenants (id),
  state        TEXT    NOT NULL CHECK (state IN ('running', 'complete', 'damaged', 'erased')),
  path         TEXT    NOT NULL,        -- below the recordings' folder
  started_at   INTEGER NOT NULL,
  ended_at     INTEGER,
  duration_ms  INTEGER,
  bytes        INTEGER,
  CHECK ((state = 'running') = (ended_at IS NULL))
) STRICT;
CREATE INDEX recordings_by_tenant ON recordings (tenant_id, id);

CREATE TABLE agent_state_log (
  id           INTEGER PRIMARY KEY,
  tenant_id    INTEGER NOT NULL,
  agent_id     INTEGER NOT NULL,
  state        TEXT    NOT NULL,
  reason       TEXT,
  campaign_id  INTEGER,
  attempt_id   INTEGER,
  started_at   INTEGER NOT NULL,
  ended_at     INTEGER,
  FOREIGN KEY (tenant_id, agent_id) REFERENCES agents (tenant_id, id)
) STRICT;
CREATE UNIQUE INDEX agent_state_open ON agent_state_log (agent_id) WHERE ended_at IS NULL;
CREATE INDEX agent_state_time ON agent_state_log (tenant_id, agent_id, started_at);

-- Roll-ups: an hour is its first UTC millisecond; a day of any whole-hour zone is a sum of hours --

CREATE TABLE rollup_campaign_hour (
  tenant_id    INTEGER NOT NULL,
  campaign_id  INTEGER NOT NULL,
  hour         INTEGER NOT NULL,
  outcome      TEXT    NOT NULL,
  attempts     INTEGER NOT NULL DEFAULT 0,
  answered     INTEGER NOT NULL DEFAULT 0,
  joined       INTEGER NOT NULL DEFAULT 0,
  ring_ms      INTEGER NOT NULL DEFAULT 0,
  wait_ms      INTEGER NOT NULL DEFAULT 0,  -- answered to joined
  talk_ms      INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant_id, campaign_id, hour, outcome)
) STRICT, WITHOUT ROWID;

CREATE TABLE rollup_agent_hour (
  tenant_id  INTEGER NOT NULL,
  agent_id   INTEGER NOT NULL,
  hour       INTEGER NOT NULL,
  state      TEXT    NOT NULL,
  entries    INTEGER NOT NULL DEFAULT 0,
  state_ms   INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant_id, agent_id, hour, state)
) STRICT, WITHOUT ROWID;

CREATE TABLE rollup_agent_calls (
  tenant_id  INTEGER NOT NULL,
  agent_id   INTEGER NOT NULL,
  hour       INTEGER NOT NULL,
  joined     INTEGER NOT NULL DEFAULT 0,
  talk_ms    INTEGER NOT NULL DEFAULT 0,
  disposed   INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant_id, agent_id, hour)
) STRICT, WITHOUT ROWID;

-- The chain: outbox, audit and dialling ledger in one ----------------------------------------

CREATE TABLE events (
  seq            INTEGER PRIMARY KEY,   -- 1, 2, 3, … without a gap
  at             INTEGER NOT NULL,
  tenant_id      INTEGER NOT NULL,      -- 0: the box itself
  actor          TEXT    NOT NULL,
  kind           TEXT    NOT NULL,
  row_id         INTEGER NOT NULL,      -- with the box id this names the row anywhere
  payload        TEXT    NOT NULL,      -- JSON without personal data
  personal_hash  BLOB,                  -- salted hash of the text in event_personal
  hash           BLOB    NOT NULL       -- over this row and the hash of the one before
) STRICT;
CREATE INDEX events_by_tenant ON events (tenant_id, seq);
-- An attempt is claimed once and ends once, here too.
CREATE UNIQUE INDEX events_once ON events (kind, row_id)
  WHERE kind IN ('attempt_claimed', 'attempt_ended');

CREATE TABLE event_personal (
  seq        INTEGER PRIMARY KEY REFERENCES events (seq),
  tenant_id  INTEGER NOT NULL,
  lead_id    INTEGER NOT NULL,          -- 0: not about a lead
  salt       BLOB    NOT NULL,
  text       TEXT    NOT NULL
) STRICT;
CREATE INDEX event_personal_lead ON event_personal (lead_id) WHERE lead_id != 0;

CREATE TABLE chain_head (
  one   INTEGER PRIMARY KEY CHECK (one = 1),
  seq   INTEGER NOT NULL,
  hash  BLOB    NOT NULL
) STRICT;
