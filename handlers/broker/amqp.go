package broker

import (
	"errors"
	"net/url"

	"github.com/ThreeDotsLabs/watermill"
	wmamqp "github.com/ThreeDotsLabs/watermill-amqp/v3/pkg/amqp"
	"github.com/ThreeDotsLabs/watermill/message"
	amqp "github.com/rabbitmq/amqp091-go"
)

// connectAMQP publishes to a durable queue of the topic's name, and waits for the server's confirmation. The query names the virtual host by vhost.
func connectAMQP(target *url.URL, topic string, logger watermill.LoggerAdapter) (message.Publisher, error) {
	server := *target
	server.Path, server.RawQuery = "/"+target.Query().Get("vhost"), ""
	if err := declareQueue(server.String(), topic); err != nil {
		return nil, err
	}
	config := wmamqp.NewDurableQueueConfig(server.String())
	config.Publish.ConfirmDelivery = true
	return wmamqp.NewPublisher(config, logger)
}

// declareQueue makes the queue if it is not there: what is published to none is confirmed, and lost.
func declareQueue(server, name string) (err error) {
	connection, err := amqp.DialConfig(server, amqp.Config{Dial: amqp.DefaultDial(connectTime)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, connection.Close()) }()
	channel, err := connection.Channel()
	if err != nil {
		return err
	}
	_, err = channel.QueueDeclare(name, true, false, false, false, nil)
	return err
}
