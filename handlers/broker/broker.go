// Package broker publishes every change to a message broker that the user already runs: NATS JetStream, AMQP 0.9.1 (RabbitMQ) or Redis Streams,
// through watermill.
//
// It owns how a broker is reached and what a message looks like there. It has no routes and decides nothing: which messages there are, their order
// and how far they have come is a projections.Relay's, which hands them over one after the other and again after a failure, so that each arrives at
// least once and in order for its subject.
//
// A message's payload is the body that webhooks carry. Its metadata (headers of NATS and AMQP) are id, key (the subject, to partition by), type,
// organization and position; the id of the watermill message is the event's, by which NATS drops what it has.
package broker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/rollcall-sync/rollcall/projections"
)

// DefaultTopic is where messages go if the URL's path names nothing else: the stream of NATS and Redis, the queue of AMQP.
const DefaultTopic = "rollcall"

// Publisher publishes to one broker. It connects with the first message, and anew after a failure. It is for one goroutine.
type Publisher struct {
	target *url.URL
	topic  string
	logger *slog.Logger

	mu   sync.Mutex // Close may come beside Publish
	open message.Publisher
}

// connectors are the brokers by the scheme of their URLs.
var connectors = map[string]func(target *url.URL, topic string, logger watermill.LoggerAdapter) (message.Publisher, error){
	"nats": connectNATS, "tls": connectNATS,
	"amqp": connectAMQP, "amqps": connectAMQP,
	"redis": connectRedis, "rediss": connectRedis,
}

// New makes a Publisher for a URL as nats://host:4222/topic, amqp://user:password@host:5672/topic or redis://host:6379/topic. Nothing is connected yet.
func New(target string, logger *slog.Logger) (*Publisher, error) {
	u, err := url.Parse(target)
	if err != nil || u.Host == "" || connectors[u.Scheme] == nil {
		return nil, errors.New("a broker's URL begins with nats://, tls:// (NATS), amqp://, amqps://, redis:// or rediss:// and names a host")
	}
	topic := strings.Trim(u.Path, "/")
	if topic == "" {
		topic = DefaultTopic
	}
	if strings.ContainsFunc(topic, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_')
	}) || len(topic) > 128 {
		return nil, errors.New("the topic in a broker's URL has letters, digits, - and _ only")
	}
	return &Publisher{target: u, topic: topic, logger: logger}, nil
}

// NamePrefix begins the name of every publisher.
const NamePrefix = "publish-"

// Name tells publishers apart, and nothing of credentials: the broker's kind, and a hash of where it is.
func (p *Publisher) Name() string {
	sum := sha256.Sum256([]byte(p.target.Scheme + "://" + p.target.Host + "/" + p.topic))
	return NamePrefix + p.target.Scheme + "-" + hex.EncodeToString(sum[:4])
}

// Publish returns when the broker has the message safe.
func (p *Publisher) Publish(ctx context.Context, m projections.Relayed) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open == nil {
		open, err := connectors[p.target.Scheme](p.target, p.topic, p.watermillLog())
		if err != nil {
			return fmt.Errorf("connect to %s: %w", p.Name(), withoutTarget(err, p.target))
		}
		p.open = open
	}
	out := message.NewMessageWithContext(ctx, m.ID, m.Body)
	out.Metadata = message.Metadata{"id": m.ID, "key": m.Key, "type": m.Type, "organization": m.Organization, "position": m.Position}
	if err := p.open.Publish(p.topic, out); err != nil {
		err = fmt.Errorf("publish to %s: %w", p.Name(), withoutTarget(err, p.target))
		return errors.Join(err, p.disconnect()) // the next try begins with a new connection
	}
	return nil
}

func (p *Publisher) disconnect() error {
	open := p.open
	p.open = nil
	if open == nil {
		return nil
	}
	return open.Close()
}

// Close ends the connection. Twice is harmless.
func (p *Publisher) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.disconnect()
}

// watermillLog is watermill's log, for debugging only: what keeps a relay from going on is told by its projection, once.
func (p *Publisher) watermillLog() watermill.LoggerAdapter {
	return watermill.NewSlogLoggerWithLevelMapping(p.logger.With(slog.String("component", p.Name())), map[slog.Level]slog.Level{
		slog.LevelInfo: slog.LevelDebug, slog.LevelWarn: slog.LevelDebug, slog.LevelError: slog.LevelDebug,
	})
}

// withoutTarget keeps credentials out of errors: drivers like to quote the URL.
func withoutTarget(err error, target *url.URL) error {
	password, _ := target.User.Password()
	for _, secret := range []string{target.String(), target.User.String(), password} {
		if secret != "" && strings.Contains(err.Error(), secret) {
			return errors.New("the broker cannot be reached with this URL")
		}
	}
	return err
}
