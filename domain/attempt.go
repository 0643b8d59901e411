package domain

import "time"

// DeliveriesAttempted tells what became of deliveries. It stands in the log only where several servers share it: one of them delivers at a
// time, and whoever follows goes on where it ended.
type DeliveriesAttempted struct {
	Attempts []DeliveryAttempt `json:"attempts"`
	Settled  string            `json:"settled,omitempty"`
}

// DeliveryAttempt is one try of a delivery, what came back and what follows.
type DeliveryAttempt struct {
	Endpoint     string    `json:"endpoint"`        // its id
	Lane         string    `json:"lane,omitempty"`  // a replay's id
	Queue        string    `json:"queue,omitempty"` // where it is not the lane: the event by which the delivery was asked for again
	Event        string    `json:"event"`           // whose message it was, by its id
	At           time.Time `json:"at"`
	Duration     int64     `json:"duration_ms"`
	Status       int       `json:"status,omitempty"` // of the HTTP answer
	Answer       string    `json:"answer,omitempty"` // its first bytes
	Error        string    `json:"error,omitempty"`  // why there was no success
	Fate         string    `json:"fate"`             // delivered, failed, or retry
	Tries        int       `json:"tries"`            // that counted towards giving up
	Next         time.Time `json:"next,omitzero"`
	FailingSince time.Time `json:"failing_since,omitzero"` // of the endpoint as a whole
}

// DeliveriesReplayed tells that the deliveries of a replay are made up to a position. It stands in the log where DeliveriesAttempted does.
type DeliveriesReplayed struct {
	Replay  string `json:"replay"`
	Reached string `json:"reached"`
}

// DeliveriesRecovered tells that of the deliveries that a recovery asks for again the next are asked for, up to one, or all that are left. It stands
// in the log where DeliveriesAttempted does.
type DeliveriesRecovered struct {
	Endpoint string `json:"endpoint"`          // its id
	Recovery string `json:"recovery"`          // the event that asked for it
	Reached  string `json:"reached,omitempty"` // the id of the last delivery; none for all that are left
}

// DeliveriesRelayed tells that a broker has every message up to a position. It stands in the log where DeliveriesAttempted does.
type DeliveriesRelayed struct {
	Relay   string `json:"relay"` // its name
	Reached string `json:"reached"`
}

func (DeliveriesAttempted) EventName() string { return "deliveries.attempted" }
func (DeliveriesReplayed) EventName() string  { return "deliveries.replayed" }
func (DeliveriesRecovered) EventName() string { return "deliveries.recovered" }
func (DeliveriesRelayed) EventName() string   { return "deliveries.relayed" }
