package domain

import "slices"

// Redirection is where the users of a connection are sent after they have signed in. The application was there and allowed the URI when the redirection
// was made; whether it still does is for who sends them there to see.
type Redirection struct {
	ID          string `json:"id"`
	Application string `json:"app_id"`
	URI         string `json:"uri"`
}

// ConnectionRedirectionAdded adds a redirection, which is the default from then on; earlier ones stay selectable.
type ConnectionRedirectionAdded struct{ Redirection }

// EventName implements Event.
func (ConnectionRedirectionAdded) EventName() string { return "connection.redirection_added" }

// maxRedirections is how many redirections of a connection are selectable: the last ones.
const maxRedirections = 100

// Redirect decides on another default redirection.
func (c *Connection) Redirect(r Redirection) (Event, error) {
	if err := c.must(); err != nil {
		return nil, err
	}
	return ConnectionRedirectionAdded{r}, nil
}

// Redirection is the selectable one with an id.
func (c *Connection) Redirection(id string) (r Redirection, known bool) {
	i := slices.IndexFunc(c.Redirections, func(r Redirection) bool { return r.ID == id })
	if i < 0 {
		return Redirection{}, false
	}
	return c.Redirections[i], true
}

// addRedirection makes it the default, and forgets the oldest one that is too much.
func (c *Connection) addRedirection(r Redirection) {
	c.Redirections = append(slices.Clone(c.Redirections), r)
	c.Redirections = c.Redirections[max(0, len(c.Redirections)-maxRedirections):]
	c.Default = r
}
