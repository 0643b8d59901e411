package domain

import (
	"fmt"
	"testing"
)

func TestRedirection(t *testing.T) {
	r := Redirection{"r2", "app", "https://app.example/2"}
	redirect := func(c *Connection) ([]Event, error) { return one(c.Redirect(r)) }
	decide(t, []decision[Connection]{
		{"another default", after(), redirect, []Event{ConnectionRedirectionAdded{r}}, ""},
		{"of what is deleted", after(ConnectionDeleted{}), redirect, nil, "not_found"},
	})
}

// Earlier redirections stay selectable, but not without end.
//
// Proves SSO §default-redirection.stays.
func TestRedirectionsStay(t *testing.T) {
	var c Connection
	c.Apply(connected)
	first := c
	for i := range maxRedirections {
		c.Apply(ConnectionRedirectionAdded{Redirection{ID: fmt.Sprint("n", i)}})
	}
	if r := c.Default; r.ID != fmt.Sprint("n", maxRedirections-1) || len(c.Redirections) != maxRedirections || c.Redirections[0].ID != "n0" {
		t.Errorf("the default is %v, and the first of %d is %v", r, len(c.Redirections), c.Redirections[0])
	}
	if len(first.Redirections) != 1 || first.Default.ID != "r1" {
		t.Errorf("what was folded before has changed: %v", first.Redirections)
	}
	c.Apply(ConnectionUpdated{ConnectionEdit{DefaultRedirection: "n0"}})
	if c.Default.ID != "n0" {
		t.Errorf("the default is %v", c.Default)
	}
}
