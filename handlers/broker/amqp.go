package broker

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	amqp "github.com/rabbitmq/amqp091-go"
)

// queue publishes to a durable queue of AMQP 0.9.1 and waits until the server has each message safe. It is watermill's Publisher over the client that
// watermill-amqp uses too: that one connects anew by itself, in a goroutine that races with its own Publish, and takes a message for published that
// the server dropped for want of a queue.
type queue struct {
	connection *amqp.Connection
	channel    *amqp.Channel
	returned   chan amqp.Return // what no queue takes
}

// connectAMQP makes the queue of the topic's name if it is not there. The URL's query names the virtual host by vhost.
func connectAMQP(target *url.URL, topic string, _ watermill.LoggerAdapter) (message.Publisher, error) {
	server := *target
	server.Path, server.RawQuery = "/"+target.Query().Get("vhost"), ""
	connection, err := amqp.DialConfig(server.String(), amqp.Config{Dial: amqp.DefaultDial(connectTime)})
	if err != nil {
		return nil, err
	}
	q := &queue{connection: connection}
	if err := q.open(topic); err != nil {
		return nil, errors.Join(err, q.Close())
	}
	return q, nil
}

func (q *queue) open(topic string) (err error) {
	if q.channel, err = q.connection.Channel(); err != nil {
		return err
	}
	if _, err = q.channel.QueueDeclare(topic, true, false, false, false, nil); err != nil {
		return err
	}
	q.returned = q.channel.NotifyReturn(make(chan amqp.Return, 1))
	return q.channel.Confirm(false)
}

// Publish implements message.Publisher.
func (q *queue) Publish(topic string, messages ...*message.Message) error {
	for _, m := range messages {
		if err := q.publish(topic, m); err != nil {
			return err
		}
	}
	return nil
}

func (q *queue) publish(topic string, m *message.Message) error {
	ctx, cancel := context.WithTimeout(m.Context(), connectTime)
	defer cancel()
	headers := amqp.Table{}
	for name, value := range m.Metadata {
		headers[name] = value
	}
	const mandatory, immediate = true, false
	confirmed, err := q.channel.PublishWithDeferredConfirmWithContext(ctx, "", topic, mandatory, immediate, amqp.Publishing{
		MessageId: m.UUID, ContentType: "application/json", DeliveryMode: amqp.Persistent, Timestamp: time.Now(), Headers: headers, Body: m.Payload,
	})
	if err != nil {
		return err
	}
	safe, err := confirmed.WaitContext(ctx)
	if err != nil {
		return err
	}
	select {
	case r := <-q.returned: // it comes before the confirmation
		return fmt.Errorf("the server returned the message: %s", r.ReplyText)
	default:
	}
	if !safe {
		return errors.New("the server did not take the message")
	}
	return nil
}

// Close implements message.Publisher.
func (q *queue) Close() error {
	if err := q.connection.Close(); err != nil && !errors.Is(err, amqp.ErrClosed) {
		return err
	}
	return nil
}
