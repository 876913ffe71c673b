-- Why a row of a list did not go in, for programs: a word that never changes, and what it speaks of.
ALTER TABLE import_rows ADD COLUMN code TEXT NOT NULL DEFAULT '';
ALTER TABLE import_rows ADD COLUMN params TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(params));

-- What a caller's network said beside the number: a name, and whom the caller first wanted.
ALTER TABLE calls ADD COLUMN display TEXT;
ALTER TABLE calls ADD COLUMN redirected_from TEXT;
