package domain

import "time"

// DeliveriesMoved tells, behind the records of a log that were moved here, what was still to be delivered. What stands before it tells positions of
// the log where it stood then.
type DeliveriesMoved struct {
	Settled    string          `json:"settled,omitempty"` // in the first of them: the position here of the last record that was moved
	Deliveries []MovedDelivery `json:"deliveries,omitempty"`
}

// MovedDelivery is a delivery that has not ended. Its message is that of a record, which is found by its place in its stream.
type MovedDelivery struct {
	Endpoint string    `json:"endpoint"`        // its id
	Lane     string    `json:"lane,omitempty"`  // a replay's id
	Queue    string    `json:"queue,omitempty"` // where it is not the lane: the event by which the delivery was asked for again
	Event    string    `json:"event"`           // the id of the message's event
	Stream   string    `json:"stream"`          // of the record
	Version  uint64    `json:"version"`         // of the record
	Made     time.Time `json:"made"`
}

func (DeliveriesMoved) EventName() string { return "deliveries.moved" }
