package domain

// InstallationCreated is the first event of a log. KeyCheck tells which master key the log belongs to, and nothing about it.
type InstallationCreated struct {
	KeyCheck string `json:"key_check"`
}

// EventName implements Event.
func (InstallationCreated) EventName() string { return "installation.created" }

// Installation is one log with its master key.
type Installation struct{ KeyCheck string }

// Apply folds an event into the state.
func (i *Installation) Apply(e Event) {
	if e, ok := e.(InstallationCreated); ok {
		i.KeyCheck = e.KeyCheck
	}
}
