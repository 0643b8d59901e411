-- The read model: the present, made from the log. Times are RFC 3339 text in UTC, keys are folded for comparison.
-- A change here gives the file another name, and the model is built anew beside the old one. Whoever changes what the code writes
-- into these tables counts this up: 3.

CREATE TABLE IF NOT EXISTS checkpoint (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    position TEXT NOT NULL,
    log      TEXT NOT NULL -- the id of the log that the position stands in
);

-- Places in the log, a thousand records apart, and a time in milliseconds since 1970 by which all up to there was recorded.
CREATE TABLE IF NOT EXISTS marks (
    nth      INTEGER PRIMARY KEY,
    records  INTEGER NOT NULL,
    position TEXT NOT NULL,
    recorded INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS marks_by_time ON marks (recorded, nth);

CREATE TABLE IF NOT EXISTS organizations (
    id      TEXT PRIMARY KEY,
    domain  TEXT NOT NULL UNIQUE,
    name    TEXT NOT NULL,
    created TEXT NOT NULL,
    updated TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS directories (
    id             TEXT PRIMARY KEY,
    organization   TEXT NOT NULL,
    provider       TEXT NOT NULL,
    strict         INTEGER NOT NULL,
    active         INTEGER NOT NULL,
    token          TEXT NOT NULL,
    token_hash     TEXT NOT NULL,
    previous       TEXT NOT NULL,
    previous_hash  TEXT NOT NULL,
    previous_until TEXT NOT NULL,
    onboarding     TEXT NOT NULL DEFAULT '{}',
    created        TEXT NOT NULL,
    updated        TEXT NOT NULL
);
-- An organization has one that its identity provider feeds, and one of the users that its application makes.
CREATE UNIQUE INDEX IF NOT EXISTS directories_of ON directories (organization, provider = 'api');

-- place is the order of creation within the directory, from 1, never given twice.
CREATE TABLE IF NOT EXISTS users (
    seq              INTEGER PRIMARY KEY,
    id               TEXT NOT NULL UNIQUE,
    directory        TEXT NOT NULL,
    place            INTEGER NOT NULL,
    version          INTEGER NOT NULL,
    user_name_key    TEXT NOT NULL,
    external_id      TEXT,
    display_name_key TEXT,
    active           INTEGER NOT NULL,
    attributes       TEXT NOT NULL,
    created          TEXT NOT NULL,
    modified         TEXT NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS users_in_order ON users (directory, place);
CREATE INDEX IF NOT EXISTS users_by_name ON users (directory, user_name_key);
CREATE INDEX IF NOT EXISTS users_by_external_id ON users (directory, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS users_by_display_name ON users (directory, display_name_key) WHERE display_name_key IS NOT NULL;

CREATE TABLE IF NOT EXISTS user_emails (
    user        INTEGER NOT NULL,
    nth         INTEGER NOT NULL,
    directory   TEXT NOT NULL,
    value_key   TEXT,
    type_key    TEXT,
    display_key TEXT,
    is_primary  INTEGER,
    PRIMARY KEY (user, nth)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS users_by_email ON user_emails (directory, value_key);

CREATE TABLE IF NOT EXISTS groups (
    seq              INTEGER PRIMARY KEY,
    id               TEXT NOT NULL UNIQUE,
    directory        TEXT NOT NULL,
    place            INTEGER NOT NULL,
    version          INTEGER NOT NULL,
    external_id      TEXT,
    display_name_key TEXT NOT NULL,
    members          INTEGER NOT NULL,
    attributes       TEXT NOT NULL,
    created          TEXT NOT NULL,
    modified         TEXT NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS groups_in_order ON groups (directory, place);
CREATE INDEX IF NOT EXISTS groups_by_display_name ON groups (directory, display_name_key);
CREATE INDEX IF NOT EXISTS groups_by_external_id ON groups (directory, external_id) WHERE external_id IS NOT NULL;

-- The members that a group has now; who was one before is in the log. grp is the group's seq. A member may name nobody: queries
-- show only those that are users or groups of the group's directory. Rows are small, since a group may have very many.
CREATE TABLE IF NOT EXISTS members (
    grp    INTEGER NOT NULL,
    member TEXT NOT NULL,
    type   TEXT NOT NULL,
    PRIMARY KEY (grp, member)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS members_of ON members (member);

-- The users and groups that were deleted from a directory which is still there, with the meta of what follows from it.
CREATE TABLE IF NOT EXISTS gone (
    id        TEXT PRIMARY KEY,
    directory TEXT NOT NULL,
    meta      TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS gone_from ON gone (directory);

-- The members that are gone, and that no event has taken out of their groups yet.
CREATE TABLE IF NOT EXISTS leaving (
    grp    INTEGER NOT NULL,
    member TEXT NOT NULL,
    PRIMARY KEY (grp, member)
) WITHOUT ROWID;

-- The imports of all or nothing that have begun and not ended, with the meta of their beginning. They are few.
CREATE TABLE IF NOT EXISTS imports (
    id   TEXT PRIMARY KEY,
    meta TEXT NOT NULL
) WITHOUT ROWID;

-- How many rows of a directory stand in each run of 256 places, so that a page deep in the list costs what the first does.
CREATE TABLE IF NOT EXISTS counts (
    directory TEXT NOT NULL,
    kind      TEXT NOT NULL,
    run       INTEGER NOT NULL,
    n         INTEGER NOT NULL,
    PRIMARY KEY (directory, kind, run)
) WITHOUT ROWID;

-- The last place given in a directory.
CREATE TABLE IF NOT EXISTS places (
    directory TEXT NOT NULL,
    kind      TEXT NOT NULL,
    last      INTEGER NOT NULL,
    PRIMARY KEY (directory, kind)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS applications (
    id      TEXT PRIMARY KEY,
    state   TEXT NOT NULL,
    created TEXT NOT NULL,
    updated TEXT NOT NULL
);

-- seats is how many of its seats are taken.
CREATE TABLE IF NOT EXISTS connections (
    id      TEXT PRIMARY KEY,
    state   TEXT NOT NULL,
    seats   INTEGER NOT NULL DEFAULT 0,
    created TEXT NOT NULL,
    updated TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS connections_in_order ON connections (created, id);
CREATE INDEX IF NOT EXISTS connections_of ON connections (state ->> 'OrganizationID');
CREATE INDEX IF NOT EXISTS connections_to ON connections (state ->> '$.Default.app_id');

CREATE TABLE IF NOT EXISTS seats (
    connection TEXT NOT NULL,
    user       TEXT NOT NULL,
    directory  TEXT NOT NULL, -- the user's
    PRIMARY KEY (connection, user)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS seats_of ON seats (user);
CREATE INDEX IF NOT EXISTS seats_from ON seats (directory);

CREATE TABLE IF NOT EXISTS administrators (
    id           TEXT PRIMARY KEY,
    organization TEXT NOT NULL,
    email        TEXT NOT NULL,
    created      TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS administrators_of ON administrators (organization);

-- The mails of invitations, by the invitation. due is when one is to be sent, or to be told of once it went; '' when nothing is left to do.
CREATE TABLE IF NOT EXISTS mails (
    id           TEXT PRIMARY KEY,
    kind         TEXT NOT NULL,              -- of what is to be set up
    subject      TEXT NOT NULL,              -- its id
    organization TEXT NOT NULL,
    email        TEXT NOT NULL,
    expires      TEXT NOT NULL,
    attempts     TEXT NOT NULL DEFAULT '[]', -- those that failed
    sent         TEXT NOT NULL DEFAULT '',
    retry        TEXT NOT NULL DEFAULT '',
    given_up     INTEGER NOT NULL DEFAULT 0,
    ended        INTEGER NOT NULL DEFAULT 0, -- the link leads nowhere any more
    due          TEXT NOT NULL,
    created      TEXT NOT NULL,
    updated      TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS mails_in_order ON mails (created, id);
CREATE INDEX IF NOT EXISTS mails_of ON mails (organization, created, id);
CREATE INDEX IF NOT EXISTS mails_open ON mails (subject) WHERE ended = 0;
CREATE INDEX IF NOT EXISTS mails_due ON mails (due) WHERE due <> '';

-- Endpoints as folded from the log; secrets in the state are sealed.
CREATE TABLE IF NOT EXISTS endpoints (
    id      TEXT PRIMARY KEY,
    state   TEXT NOT NULL,
    created TEXT NOT NULL,
    updated TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS endpoints_of ON endpoints (state ->> 'organization');
CREATE INDEX IF NOT EXISTS endpoints_by_organization ON endpoints (state ->> 'organization_id', id);

-- permissions is a JSON list; organization is the id of the only one that the key knows, '' for all. created_by is the id of the key that made it, '' if none did.
CREATE TABLE IF NOT EXISTS apikeys (
    id           TEXT PRIMARY KEY,
    name         TEXT NOT NULL,
    hash         TEXT NOT NULL,
    permissions  TEXT NOT NULL,
    organization TEXT NOT NULL,
    created_by   TEXT NOT NULL,
    created      TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS apikeys_of ON apikeys (organization, id);

-- Which key made which, also those that are deleted while one that descends from them is not: it can still be found by them.
CREATE TABLE IF NOT EXISTS apikey_lines (
    id           TEXT PRIMARY KEY,
    above        TEXT NOT NULL,
    organization TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS apikeys_below ON apikey_lines (above);
CREATE INDEX IF NOT EXISTS apikey_lines_of ON apikey_lines (organization);

-- What the planner shall believe: a directory has thousands of users, and a name finds one.
-- Without it SQLite takes any two indexes for equally good, and reads a whole directory to find one user without sorting.
ANALYZE sqlite_schema;
DELETE FROM sqlite_stat1;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('users', 'sqlite_autoindex_users_1', '1000000 1'),
    ('users', 'users_in_order', '1000000 10000 1'),
    ('users', 'users_by_name', '1000000 10000 1'),
    ('users', 'users_by_external_id', '1000000 10000 1'),
    ('users', 'users_by_display_name', '1000000 10000 2'),
    ('user_emails', 'user_emails', '1000000 1 1'),
    ('user_emails', 'users_by_email', '1000000 10000 1'),
    ('groups', 'sqlite_autoindex_groups_1', '100000 1'),
    ('groups', 'groups_in_order', '100000 1000 1'),
    ('groups', 'groups_by_display_name', '100000 1000 1'),
    ('groups', 'groups_by_external_id', '100000 1000 1'),
    ('members', 'members', '10000000 100 1'),
    ('members', 'members_of', '10000000 10');
ANALYZE sqlite_schema;
