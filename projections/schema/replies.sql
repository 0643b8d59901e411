-- What requests were answered that carry an Idempotency-Key.

CREATE TABLE IF NOT EXISTS checkpoint (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    position TEXT NOT NULL,
    log      TEXT NOT NULL -- the id of the log that the position stands in
);

-- id and asked are keyed hashes of the key and of what was asked. position is where the log stood before the request, began when that was, in milliseconds since
-- 1970. reply is sealed, and '' until there is one.
CREATE TABLE IF NOT EXISTS replies (
    id       TEXT PRIMARY KEY,
    caller   TEXT NOT NULL,
    asked    TEXT NOT NULL,
    request  TEXT NOT NULL,
    position TEXT NOT NULL,
    began    INTEGER NOT NULL,
    reply    TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS replies_of ON replies (caller, began);
CREATE INDEX IF NOT EXISTS replies_old ON replies (began);

-- From here on. A row is durable before its request is carried out: of one that a power cut takes away, the request would be carried out again.
PRAGMA synchronous = full;
