package webhook

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/rollcall-sync/rollcall/eventstore/keys"
	"github.com/rollcall-sync/rollcall/projections"
)

// attempt sends a delivery once. An error means that nothing was sent, for a reason of our own.
func (d *Deliverer) attempt(ctx context.Context, t projections.Target, of projections.Delivery) (projections.Attempt, answer, error) {
	body, err := d.config.Outbox.Body(ctx, of.Seq)
	if err != nil {
		return projections.Attempt{}, answer{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(time.Duration(t.State.Timeout)*time.Second, d.config.Timeout))
	defer cancel()
	at, began := d.config.Now(), time.Now() // the duration is measured on the monotonic clock
	header, err := d.header(t, of, at, body)
	if err != nil {
		return projections.Attempt{}, answer{}, err
	}
	made := projections.Attempt{At: at}
	a, err := exchange(ctx, d.client, t.State.URL, header, body, &made)
	made.Duration = time.Since(began)
	if err != nil {
		made.Error = err.Error()
	}
	return made, a, nil
}

// header is what a message is sent with: the endpoint's own headers, and Rollcall's.
func (d *Deliverer) header(t projections.Target, of projections.Delivery, at time.Time, body []byte) (http.Header, error) {
	var signing []keys.Signing
	for _, sealed := range t.State.Keys(at) {
		key, err := d.config.OpenKey(t.ID, sealed)
		if err != nil {
			return nil, fmt.Errorf("open the signing key: %w", err)
		}
		signing = append(signing, key)
	}
	own, err := d.config.OpenHeaders(t.ID, t.State.Headers)
	if err != nil {
		return nil, fmt.Errorf("open the headers: %w", err)
	}
	header := signed(d.config.Version, of.WebhookID, at, body, of.Lane != "", signing...)
	for name, value := range own {
		header.Set(name, value)
	}
	return header, nil
}
