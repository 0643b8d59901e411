package handlers

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"sync"
	"time"
)

// LastUsedFile is the name of LastUsed's file in the data folder.
const LastUsedFile = "last-used.json"

// saveAfter is how long a use may be in memory only.
const saveAfter = time.Minute

// LastUsed remembers when the token of each directory was last used, so that an administrator sees whether a provider has taken over
// a new one, and each API key, so that one that nobody uses can go. Who holds a token is named by the door: a directory's id, or an API key's stream.
//
// This is kept neither as events, for reading would then write to the log, nor in the read model, which may be deleted
// and is made from the log, where this does not stand. It is a small file of its own, one entry for each holder, written whole a minute
// after the first use that it does not show yet, and at Close: one write a minute however many requests there are. kill -9 may
// set it back by that minute. It is replaced by a rename without a sync: lost or damaged, it is begun anew, for nothing depends on it.
type LastUsed struct {
	path   string
	logger *slog.Logger

	saving sync.Mutex // one save at a time; taken before mu
	mu     sync.Mutex
	used   map[string]use
	later  *time.Timer // the save that is to come, nil if the file shows all
}

type use struct {
	Token string    `json:"token"`
	At    time.Time `json:"at"`
}

// OpenLastUsed reads the file at a path; "" keeps everything in memory only. What cannot be read or written is logged.
func OpenLastUsed(path string, logger *slog.Logger) *LastUsed {
	u := &LastUsed{path: path, logger: logger, used: map[string]use{}}
	if path == "" {
		return u
	}
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &u.used)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		logger.Warn("when tokens were last used is not known any more", slog.String("file", path), slog.Any("error", err))
	}
	if err != nil || u.used == nil {
		u.used = map[string]use{}
	}
	return u
}

// Use notes that a holder's token was used.
func (u *LastUsed) Use(holder, token string, at time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.used[holder] = use{token, at.UTC().Truncate(time.Millisecond)}
	if u.later == nil && u.path != "" {
		u.later = time.AfterFunc(saveAfter, u.save)
	}
}

// At is when a holder's token was last used; the zero time if it was not, as far as is known.
func (u *LastUsed) At(holder, token string) time.Time {
	u.mu.Lock()
	defer u.mu.Unlock()
	if last := u.used[holder]; last.Token == token {
		return last.At
	}
	return time.Time{}
}

// Close writes what the file does not show yet.
func (u *LastUsed) Close() {
	u.mu.Lock()
	due := u.later != nil && u.later.Stop()
	u.mu.Unlock()
	if due {
		u.save()
	}
	u.saving.Lock() // a save that was under way has ended
	defer u.saving.Unlock()
}

func (u *LastUsed) save() {
	u.saving.Lock()
	defer u.saving.Unlock()
	u.mu.Lock()
	used := maps.Clone(u.used)
	u.later = nil
	u.mu.Unlock()
	if err := writeLastUsed(u.path, used); err != nil {
		u.logger.Warn("when tokens were last used could not be kept", slog.Any("error", err))
	}
}

func writeLastUsed(path string, used map[string]use) error {
	text, err := json.Marshal(used)
	if err != nil {
		return fmt.Errorf("encode %s: %w", path, err)
	}
	next := path + ".new"
	if err := os.WriteFile(next, text, 0o600); err != nil {
		return err
	}
	return os.Rename(next, path)
}
