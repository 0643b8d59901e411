-- The outbox: what is to be delivered, what became of it, and how far the log has been turned into it.
-- Times are milliseconds since 1970; next is when the delivery is due, 0 at once.

CREATE TABLE IF NOT EXISTS checkpoint (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    position TEXT NOT NULL,
    log      TEXT NOT NULL -- the id of the log that the position stands in
);

-- Endpoints as folded from the log, with the sealed secret. failing_since is 0 while the endpoint does not fail as a whole.
CREATE TABLE IF NOT EXISTS endpoints (
    id            TEXT PRIMARY KEY,
    state         TEXT NOT NULL,
    failing_since INTEGER NOT NULL DEFAULT 0
);

-- The body of a message is kept once for all endpoints that want it.
CREATE TABLE IF NOT EXISTS messages (
    event    BLOB PRIMARY KEY,
    position TEXT NOT NULL,
    type     TEXT NOT NULL,
    subject  TEXT NOT NULL,
    body     BLOB NOT NULL
) WITHOUT ROWID;

-- One row for each endpoint that wants the message. Of the rows of one endpoint, lane and subject that are not ended, the first is ready
-- and the others wait for it: that is the order.
CREATE TABLE IF NOT EXISTS deliveries (
    seq           INTEGER PRIMARY KEY,
    endpoint      TEXT NOT NULL,
    lane          TEXT NOT NULL,
    event         BLOB NOT NULL,
    subject       TEXT NOT NULL,
    webhook_id    TEXT NOT NULL,
    state         TEXT NOT NULL CHECK (state IN ('ready', 'waiting', 'delivered', 'failed')),
    tries         INTEGER NOT NULL DEFAULT 0,
    first_try     INTEGER NOT NULL DEFAULT 0,
    last_try      INTEGER NOT NULL DEFAULT 0,
    next          INTEGER NOT NULL,
    UNIQUE (endpoint, lane, event)
);
CREATE INDEX IF NOT EXISTS deliveries_ready ON deliveries (endpoint, next, seq) WHERE state = 'ready';
CREATE INDEX IF NOT EXISTS deliveries_stalest ON deliveries (endpoint, last_try, seq, next) WHERE state = 'ready';
CREATE INDEX IF NOT EXISTS deliveries_open ON deliveries (endpoint, lane, subject, seq) WHERE state IN ('ready', 'waiting');
CREATE INDEX IF NOT EXISTS deliveries_of ON deliveries (event);

CREATE TABLE IF NOT EXISTS attempts (
    delivery INTEGER NOT NULL,
    nth      INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    duration INTEGER NOT NULL,
    status   INTEGER NOT NULL,
    answer   TEXT NOT NULL,
    error    TEXT NOT NULL,
    PRIMARY KEY (delivery, nth)
) WITHOUT ROWID;
