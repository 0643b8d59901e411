package load

import (
	"context"
	"fmt"
	"net/http"
	"sync"
)

// mostWrong is how many things that are wrong are told in words.
const mostWrong = 10

// wrong is what is not as it should be.
type wrong struct {
	mu    sync.Mutex
	count int
	told  []string // the first few
}

func (w *wrong) add(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.count++; len(w.told) < mostWrong {
		w.told = append(w.told, fmt.Sprintf(format, args...))
	}
}

// verify reads everybody and every team and holds them against what was acknowledged. Subjects of which a write failed are left out: the
// failure is told already. So are those that others put into the directory.
func (r *run) verify(ctx context.Context, w *wrong) error {
	if len(r.world.people) == 0 {
		return nil
	}
	seen, err := r.list(ctx, w)
	if err != nil {
		return err
	}
	for _, p := range r.world.people {
		if p.id == "" || p.unsure {
			continue
		}
		shown := seen[p.userName]
		if len(shown) != 1 {
			w.add("%s was created once and is listed %d times", p.userName, len(shown))
			continue
		}
		if what := p.differs(shown[0]); what != "" {
			w.add("%s: %s", p.userName, what)
		}
	}
	return r.all(ctx, "checking groups", len(r.world.teams), func(i int) error { return r.verifyTeam(ctx, r.world.teams[i], w) })
}

// list reads all users by their pages, and answers ours by userName.
func (r *run) list(ctx context.Context, w *wrong) (map[string][]resource, error) {
	ours := make(map[string]bool, len(r.world.people))
	for _, p := range r.world.people {
		ours[p.userName] = true
	}
	seen := map[string][]resource{}
	var mu sync.Mutex
	read := func(start int) (int, error) {
		var page listed
		if err := r.client.send(ctx, "GET", fmt.Sprintf("/Users?startIndex=%d&count=%d", start, pageSize), "", &page, http.StatusOK); err != nil {
			return 0, err
		}
		mu.Lock()
		defer mu.Unlock()
		for _, u := range page.Resources {
			if ours[u.UserName] {
				seen[u.UserName] = append(seen[u.UserName], u)
			}
		}
		return page.TotalResults, nil
	}
	total, err := read(1)
	if err != nil {
		return nil, err
	}
	err = r.all(ctx, "checking users", (total-1)/pageSize, func(i int) error {
		_, err := read(1 + (i+1)*pageSize)
		return err
	})
	return seen, err
}

func (r *run) verifyTeam(ctx context.Context, t *team, w *wrong) error {
	if t.id == "" || t.unsure {
		return nil
	}
	var got resource
	if err := r.client.send(ctx, "GET", "/Groups/"+t.id, "", &got, http.StatusOK); err != nil {
		return err
	}
	if got.DisplayName != t.name {
		w.add("group %s is called %q", t.name, got.DisplayName)
	}
	has := make(map[string]bool, len(got.Members))
	for _, m := range got.Members {
		has[m.Value] = true
		if !t.members[m.Value] {
			w.add("group %s has the member %s, who left or never was one", t.name, m.Value)
		}
	}
	for id := range t.members {
		if !has[id] {
			w.add("group %s lacks the member %s", t.name, id)
		}
	}
	if len(got.Members) != len(has) {
		w.add("group %s lists members twice", t.name)
	}
	return nil
}

// differs tells the first thing in which a user is not as it should be, "" if there is none.
func (p *person) differs(u resource) string {
	email := ""
	for _, e := range u.Emails {
		if e.Type == "work" {
			email = e.Value
		}
	}
	type pair struct{ what, got, want string }
	pairs := []pair{
		{"id", u.ID, p.id}, {"externalId", u.ExternalID, p.externalID}, {"displayName", u.DisplayName, p.display}, {"nickName", u.NickName, p.nick},
		{"name.givenName", u.Name.GivenName, p.given}, {"name.familyName", u.Name.FamilyName, p.family}, {"the work address", email, p.email},
		{"active", fmt.Sprint(u.Active == nil || *u.Active), fmt.Sprint(p.active)},
	}
	if p.extended {
		pairs = append(pairs, pair{"department", u.Enterprise.Department, p.department}, pair{"employeeNumber", u.Enterprise.EmployeeNumber, p.employee})
	}
	for _, x := range pairs {
		if x.got != x.want {
			return fmt.Sprintf("%s is %q, and %q was acknowledged", x.what, x.got, x.want)
		}
	}
	return ""
}
