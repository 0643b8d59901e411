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

-- The body of a message is kept once for all deliveries of it. position is that of the record by which they were made: the event's own, unless
-- that was moved here from another log. Bodies are too long for a table that is an index.
CREATE TABLE IF NOT EXISTS messages (
    event    BLOB PRIMARY KEY,
    position TEXT NOT NULL,
    body     BLOB NOT NULL
);

-- One row for each endpoint that wants the message, and lane: '' is live, otherwise a replay's id. Order holds within an endpoint, queue and
-- subject: of the rows of one that have not ended, the first is ready and the others wait for it. The queue is the lane until the delivery is asked
-- for again after its end: then it stands outside the order, in the queue of that request. ended is 0 until then.
CREATE TABLE IF NOT EXISTS deliveries (
    seq        INTEGER PRIMARY KEY,
    endpoint   TEXT NOT NULL,
    lane       TEXT NOT NULL,
    queue      TEXT NOT NULL,
    event      BLOB NOT NULL,
    type       TEXT NOT NULL,
    subject    TEXT NOT NULL,
    webhook_id TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('ready', 'waiting', 'delivered', 'failed', 'cancelled')),
    tries      INTEGER NOT NULL DEFAULT 0,
    first_try  INTEGER NOT NULL DEFAULT 0,
    last_try   INTEGER NOT NULL DEFAULT 0,
    next       INTEGER NOT NULL,
    made       INTEGER NOT NULL,
    ended      INTEGER NOT NULL DEFAULT 0,
    UNIQUE (endpoint, lane, event)
);
-- What is live goes before what is not.
CREATE INDEX IF NOT EXISTS deliveries_ready ON deliveries (endpoint, next, (queue > ''), seq) WHERE state = 'ready';
CREATE INDEX IF NOT EXISTS deliveries_stalest ON deliveries (endpoint, last_try, seq, next) WHERE state = 'ready';
CREATE INDEX IF NOT EXISTS deliveries_open ON deliveries (endpoint, queue, subject, seq) WHERE state IN ('ready', 'waiting');
CREATE INDEX IF NOT EXISTS deliveries_unsettled ON deliveries (seq) WHERE lane = '' AND state IN ('ready', 'waiting');
CREATE INDEX IF NOT EXISTS deliveries_ended ON deliveries (state, ended) WHERE ended > 0;
CREATE INDEX IF NOT EXISTS deliveries_of ON deliveries (event);
CREATE INDEX IF NOT EXISTS deliveries_named ON deliveries (webhook_id);
CREATE INDEX IF NOT EXISTS deliveries_to ON deliveries (endpoint, seq);
CREATE INDEX IF NOT EXISTS deliveries_about ON deliveries (subject, seq);
CREATE INDEX IF NOT EXISTS deliveries_of_replays ON deliveries (lane) WHERE lane > '' AND state IN ('ready', 'waiting');
CREATE INDEX IF NOT EXISTS deliveries_typed ON deliveries (type, seq);
-- A delivery is shown as pending whether it is ready or waits.
CREATE INDEX IF NOT EXISTS deliveries_standing ON deliveries ((CASE state WHEN 'waiting' THEN 'ready' ELSE state END), seq);
CREATE INDEX IF NOT EXISTS deliveries_standing_to ON deliveries (endpoint, (CASE state WHEN 'waiting' THEN 'ready' ELSE state END), seq);

-- How many deliveries an endpoint has in each state, so that nobody has to count them; the triggers keep it.
CREATE TABLE IF NOT EXISTS tallies (
    endpoint TEXT NOT NULL,
    state    TEXT NOT NULL,
    n        INTEGER NOT NULL,
    PRIMARY KEY (endpoint, state)
) WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS deliveries_made AFTER INSERT ON deliveries BEGIN
    INSERT INTO tallies VALUES (new.endpoint, new.state, 1) ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER IF NOT EXISTS deliveries_moved AFTER UPDATE OF state ON deliveries WHEN new.state <> old.state BEGIN
    UPDATE tallies SET n = n - 1 WHERE endpoint = old.endpoint AND state = old.state;
    INSERT INTO tallies VALUES (new.endpoint, new.state, 1) ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER IF NOT EXISTS deliveries_gone AFTER DELETE ON deliveries BEGIN
    UPDATE tallies SET n = n - 1 WHERE endpoint = old.endpoint AND state = old.state;
END;

-- How many there are of each type in each state, of all endpoints together.
CREATE TABLE IF NOT EXISTS totals (
    type  TEXT NOT NULL,
    state TEXT NOT NULL,
    n     INTEGER NOT NULL,
    PRIMARY KEY (type, state)
) WITHOUT ROWID;
INSERT INTO totals SELECT type, state, count(*) FROM deliveries WHERE NOT EXISTS (SELECT 1 FROM totals) GROUP BY type, state; -- of a file that is older
CREATE TRIGGER IF NOT EXISTS totals_made AFTER INSERT ON deliveries BEGIN
    INSERT INTO totals VALUES (new.type, new.state, 1) ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER IF NOT EXISTS totals_moved AFTER UPDATE OF state ON deliveries WHEN new.state <> old.state BEGIN
    UPDATE totals SET n = n - 1 WHERE type = old.type AND state = old.state;
    INSERT INTO totals VALUES (new.type, new.state, 1) ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER IF NOT EXISTS totals_gone AFTER DELETE ON deliveries BEGIN
    UPDATE totals SET n = n - 1 WHERE type = old.type AND state = old.state;
END;

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

-- Replays, with how far each has come: reached is the position up to which its deliveries are made.
CREATE TABLE IF NOT EXISTS replays (
    id          TEXT PRIMARY KEY,
    endpoint    TEXT NOT NULL,
    "from"      TEXT NOT NULL,
    until       TEXT NOT NULL,
    event_codes TEXT NOT NULL,
    rate_limit  INTEGER NOT NULL,
    reached     TEXT NOT NULL,
    made        INTEGER NOT NULL DEFAULT 0,
    failed      INTEGER NOT NULL DEFAULT 0,
    state       TEXT NOT NULL CHECK (state IN ('running', 'done', 'cancelled')),
    requested   INTEGER NOT NULL,
    ended       INTEGER NOT NULL DEFAULT 0
);
-- What is asked for again that an endpoint was given up on, since a time. It is found in steps: reached is the delivery up to which it is, until the
-- last one that there was when it was asked for.
CREATE TABLE IF NOT EXISTS recoveries (
    queue    TEXT PRIMARY KEY,
    endpoint TEXT NOT NULL,
    since    INTEGER NOT NULL,
    reached  INTEGER NOT NULL,
    until    INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS recoveries_of ON recoveries (endpoint);
CREATE INDEX IF NOT EXISTS replays_running ON replays (id) WHERE state = 'running';
-- A delivery that was given up may be asked for again.
CREATE TRIGGER IF NOT EXISTS replays_failed AFTER UPDATE OF state ON deliveries WHEN new.lane > '' AND (new.state = 'failed') <> (old.state = 'failed') BEGIN
    UPDATE replays SET failed = failed + (new.state = 'failed') - (old.state = 'failed') WHERE id = new.lane;
END;

-- How far the relays to brokers have come that servers with one log run in turn.
CREATE TABLE IF NOT EXISTS relayed (
    relay    TEXT PRIMARY KEY,
    position TEXT NOT NULL
) WITHOUT ROWID;

-- The number of the last time that a server began to deliver for those who share its log.
CREATE TABLE IF NOT EXISTS tenure (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    number INTEGER NOT NULL
);
