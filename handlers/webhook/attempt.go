package webhook

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore/keys"
	"github.com/rollcall-sync/rollcall/projections"
)

// attempt sends a delivery once, while held goes on. An error means that nothing was sent, or nobody knows what came of it, for a reason of our own.
func (d *Deliverer) attempt(held context.Context, of projections.Delivery) (projections.Attempt, answer, error) {
	body, to, err := d.config.Outbox.Body(held, of)
	if err != nil {
		return projections.Attempt{}, answer{}, err
	}
	ctx, cancel := context.WithTimeout(held, cmp.Or(time.Duration(to.Timeout)*time.Second, d.config.Timeout))
	defer cancel()
	at, began := d.config.Now(), time.Now() // the duration is measured on the monotonic clock
	header, err := d.header(&to, of, at, body)
	if err != nil {
		return projections.Attempt{}, answer{}, err
	}
	if err := held.Err(); err != nil { // asked last: the process may have been stopped for long
		return projections.Attempt{}, answer{}, err
	}
	made := projections.Attempt{At: at}
	a, err := exchange(ctx, d.client, to.URL, header, body, &made)
	made.Duration = time.Since(began)
	if held.Err() != nil && a.kind != accepted {
		return projections.Attempt{}, answer{}, held.Err()
	}
	if err != nil {
		made.Error = err.Error()
	}
	return made, a, nil
}

// header is what a message is sent with: the endpoint's own headers, and Rollcall's.
func (d *Deliverer) header(to *domain.Endpoint, of projections.Delivery, at time.Time, body []byte) (http.Header, error) {
	var signing []keys.Signing
	for _, sealed := range to.Keys(at) {
		key, err := d.config.OpenKey(of.Endpoint, sealed)
		if err != nil {
			return nil, fmt.Errorf("open the signing key: %w", err)
		}
		signing = append(signing, key)
	}
	own, err := d.config.OpenHeaders(of.Endpoint, to.Headers)
	if err != nil {
		return nil, fmt.Errorf("open the headers: %w", err)
	}
	header := signed(d.config.Version, of.WebhookID, at, body, of.Lane != "", signing...)
	for name, value := range own {
		header.Set(name, value)
	}
	return header, nil
}
