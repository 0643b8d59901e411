package broker

import (
	"net/url"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill-redisstream/pkg/redisstream"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
)

// connectRedis appends to a stream of the topic's name. How safe that is, is the server's to say: see its appendfsync. The query names the database by db.
func connectRedis(target *url.URL, _ string, logger watermill.LoggerAdapter) (message.Publisher, error) {
	server := *target
	server.Path = ""
	options, err := redis.ParseURL(server.String())
	if err != nil {
		return nil, err
	}
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout = connectTime, connectTime, connectTime
	options.MaxRetries, options.DialerRetries = -1, 1 // tries are the relay's
	logging.Disable()                                 // the client writes to standard error beside what it answers
	return redisstream.NewPublisher(redisstream.PublisherConfig{Client: redis.NewClient(options), Marshaller: fields{}}, logger)
}

// fields is a message as the fields of a stream's entry, so that any client reads it: the metadata by their names, and the payload.
type fields struct{}

// Marshal implements redisstream.Marshaller.
func (fields) Marshal(_ string, m *message.Message) (map[string]any, error) {
	out := map[string]any{"payload": []byte(m.Payload)}
	for name, value := range m.Metadata {
		out[name] = value
	}
	return out, nil
}
