package domain

import "slices"

// An import of all users or of none goes into a log that writes a batch piece by piece in a stream of its own: it begins with what it is about to write, and stands
// once it is completed. Whoever finds that it does not go on withdraws it, and takes back what is written of it. Either of both comes first, and decides.

// ImportBegun tells which users an import is about to write. It holds no personal data.
type ImportBegun struct {
	Directory string         `json:"directory"`
	Users     []ImportedUser `json:"users"`
}

// ImportedUser is a user whom an import makes or changes.
type ImportedUser struct {
	ID      string   `json:"id"`
	Version uint64   `json:"version,omitempty"` // at which the user stands before, 0 for one whom the import makes
	Event   string   `json:"event"`             // the id of the user's event
	Claims  []string `json:"claims,omitempty"`  // the streams of the names that it takes
}

// ImportCompleted tells that all of it is written.
type ImportCompleted struct{}

// ImportWithdrawn tells that it is not to stand.
type ImportWithdrawn struct{}

// ImportTakenBack tells that nothing of it stands any more.
type ImportTakenBack struct{}

func (ImportBegun) EventName() string     { return "import.begun" }
func (ImportCompleted) EventName() string { return "import.completed" }
func (ImportWithdrawn) EventName() string { return "import.withdrawn" }
func (ImportTakenBack) EventName() string { return "import.taken_back" }

// ImportState is how far an import is.
type ImportState string

// The states of an import.
const (
	ImportRuns     ImportState = "begun"
	ImportStands   ImportState = "completed"
	ImportRevoked  ImportState = "withdrawn"
	ImportIsUndone ImportState = "taken_back"
)

// Import is an import of all or nothing.
type Import struct {
	ImportBegun
	State ImportState // "" until it begins
}

// Ended tells whether nothing more comes of it.
func (i *Import) Ended() bool { return i.State == ImportStands || i.State == ImportIsUndone }

// Apply folds an event into the state.
func (i *Import) Apply(e Event) {
	switch e := e.(type) {
	case ImportBegun:
		i.ImportBegun, i.State = e, ImportRuns
	case ImportCompleted:
		i.State = ImportStands
	case ImportWithdrawn:
		i.State = ImportRevoked
	case ImportTakenBack:
		i.State = ImportIsUndone
	}
}

// Undo is a state without what a change from before to done made of it. What was changed otherwise since then stays, and so do the attributes named.
func Undo(before, done, now Attributes, stay ...string) Attributes {
	var back []Difference
	for _, d := range Diff(done, before) {
		if equal(lookup(now, d.Path), d.Before) && !slices.Contains(stay, d.Path[0]) {
			back = append(back, d)
		}
	}
	return EditOf(back).On(now)
}
