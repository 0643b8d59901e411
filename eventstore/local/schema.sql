-- The log's only tables; ../FORMAT.md says what each column means.
CREATE TABLE meta (
	key   TEXT PRIMARY KEY,
	value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE records (
	position INTEGER PRIMARY KEY,
	stream   TEXT    NOT NULL,
	version  INTEGER NOT NULL,
	id       BLOB    NOT NULL,
	type     TEXT    NOT NULL,
	data     BLOB    NOT NULL,
	meta     BLOB    NOT NULL,
	checksum INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX records_by_stream ON records (stream, version);
