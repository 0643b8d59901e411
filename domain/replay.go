package domain

import "time"

// EndpointReplayRequested asks for the past once more: the messages of what stands behind From up to Until, as far as the codes and the
// endpoint's filter select them. Both are positions of the log.
type EndpointReplayRequested struct {
	Replay     string   `json:"replay"` // its id
	From       string   `json:"from"`
	Until      string   `json:"until"`
	EventCodes []string `json:"event_codes"`
	RateLimit  int      `json:"rate_limit"` // messages a second
}

// EndpointReplayCancelled ends a replay; what it has not delivered is not delivered.
type EndpointReplayCancelled struct {
	Replay string `json:"replay"`
}

// EndpointRecoveryRequested asks for all deliveries again that were given up at Since or later.
type EndpointRecoveryRequested struct {
	Since time.Time `json:"since"`
}

// EndpointResendRequested asks for one delivery again that has ended.
type EndpointResendRequested struct {
	Delivery string `json:"delivery"`
}

// EndpointDeliveryCancelled gives up a delivery that has not ended.
type EndpointDeliveryCancelled struct {
	Delivery string `json:"delivery"`
}

func (EndpointReplayRequested) EventName() string   { return "endpoint.replay_requested" }
func (EndpointReplayCancelled) EventName() string   { return "endpoint.replay_cancelled" }
func (EndpointRecoveryRequested) EventName() string { return "endpoint.recovery_requested" }
func (EndpointResendRequested) EventName() string   { return "endpoint.resend_requested" }
func (EndpointDeliveryCancelled) EventName() string { return "endpoint.delivery_cancelled" }

// DefaultReplayRate is how many messages a second a replay sends that names no other rate.
const DefaultReplayRate = 100

// Replay decides on a replay. That From and Until are places in the log is the caller's to see.
func (p *Endpoint) Replay(wanted EndpointReplayRequested) (Event, error) {
	if err := p.mustBeActive(); err != nil {
		return nil, err
	}
	if wanted.RateLimit == 0 {
		wanted.RateLimit = DefaultReplayRate
	}
	if wanted.RateLimit < 0 || wanted.RateLimit > MaxRateLimit {
		return nil, RefuseField("rate_limit", "is not a number from 1 to %d", MaxRateLimit)
	}
	var err error
	wanted.EventCodes, err = CheckCodes(wanted.EventCodes)
	return wanted, err
}

// Recover decides on the deliveries given up since a time.
func (p *Endpoint) Recover(since time.Time) (Event, error) {
	if err := p.mustBeActive(); err != nil {
		return nil, err
	}
	return EndpointRecoveryRequested{since.UTC().Truncate(time.Millisecond)}, nil
}

// Resend decides on one delivery again.
func (p *Endpoint) Resend(delivery string) (Event, error) {
	if err := p.mustBeActive(); err != nil {
		return nil, err
	}
	return EndpointResendRequested{delivery}, nil
}
