package broker

import (
	"net/url"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	wmnats "github.com/ThreeDotsLabs/watermill-nats/v2/pkg/nats"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"
)

// connectTime bounds how long a broker may take to be reached, and to answer.
const connectTime = 10 * time.Second

// connectNATS publishes to a JetStream stream of the topic's name, which is made if it is not there. The message's id lets the server drop what it has
// already, within the stream's duplicate window.
func connectNATS(target *url.URL, _ string, logger watermill.LoggerAdapter) (message.Publisher, error) {
	server := *target
	server.Path = ""
	return wmnats.NewPublisher(wmnats.PublisherConfig{
		URL:         server.String(),
		NatsOptions: []nats.Option{nats.Name("rollcall"), nats.Timeout(connectTime), nats.NoReconnect()}, // a failure ends the connection, and the next try makes another
		Marshaler:   &wmnats.NATSMarshaler{},
		JetStream:   wmnats.JetStreamConfig{AutoProvision: true, TrackMsgId: true},
	}, logger)
}
