package load

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
)

// world is what should be there: every person and every team, as the answers acknowledged them.
type world struct {
	name   string // of the run, so that several may share a directory
	people []*person
	teams  []*team
}

func newWorld() *world {
	var random [4]byte
	_, _ = rand.Read(random[:]) // it never fails
	return &world{name: hex.EncodeToString(random[:])}
}

// hire makes people that nobody knows of yet.
func (w *world) hire(n int) []*person {
	from := len(w.people)
	for i := from; i < from+n; i++ {
		userName := fmt.Sprintf("user-%06d.%s@load.example", i, w.name)
		w.people = append(w.people, &person{
			userName: userName, externalID: fmt.Sprintf("00u%06d%s", i, w.name), active: true,
			given: "Ada", family: fmt.Sprint("Lovelace ", i), display: fmt.Sprint("Ada Lovelace ", i), email: userName,
			department: "Engines", employee: fmt.Sprint(i),
		})
	}
	return w.people[from:]
}

// found makes teams that nobody knows of yet, of so many members each; together they have everybody where there are enough of them.
func (w *world) found(n, members int) []*team {
	from := len(w.teams)
	for i := from; i < from+n; i++ {
		t := &team{name: fmt.Sprintf("Team %05d %s", i, w.name), externalID: fmt.Sprintf("00g%05d%s", i, w.name)}
		for k := range members {
			t.plan = append(t.plan, w.people[(i*members+k)%len(w.people)])
		}
		w.teams = append(w.teams, t)
	}
	return w.teams[from:]
}

// person is a user, from the provider's side. Who sends something about it holds the lock.
type person struct {
	mu sync.Mutex

	id     string // "" while it is not there
	unsure bool   // a write failed: what stands is not known
	team   bool   // the group profile: whether it is in the team

	userName, externalID, given, family, display, nick, email, department, employee string

	active   bool
	extended bool // it was sent with the enterprise extension
}

// team is a group, from the provider's side.
type team struct {
	id               string
	unsure           bool
	name, externalID string
	plan             []*person
	members          map[string]bool // by id
}

const (
	core       = "urn:ietf:params:scim:schemas:core:2.0:User"
	enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	groupURN   = "urn:ietf:params:scim:schemas:core:2.0:Group"
	patchURN   = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
)

// What follows are bodies as the providers write them. Nothing in a name needs to be escaped.

func patch(operations ...string) string {
	return `{"schemas":["` + patchURN + `"],"Operations":[` + strings.Join(operations, ",") + `]}`
}

func (p *person) asOkta() string {
	return fmt.Sprintf(`{"schemas":[%q],"userName":%q,"name":{"givenName":%q,"familyName":%q},"emails":[{"primary":true,"value":%q,"type":"work"}],`+
		`"displayName":%q,"locale":"en-US","externalId":%q,"groups":[],"password":"never-kept-1815","active":true}`,
		core, p.userName, p.given, p.family, p.email, p.display, p.externalID)
}

func (p *person) asEntra() string {
	return fmt.Sprintf(`{"schemas":[%q,%q],"externalId":%q,"userName":%q,"active":true,"displayName":%q,"emails":[{"primary":true,"type":"work","value":%q}],`+
		`"meta":{"resourceType":"User"},"name":{"formatted":%q,"familyName":%q,"givenName":%q},"roles":[],%q:{"department":%q,"employeeNumber":%q}}`,
		core, enterprise, p.externalID, p.userName, p.display, p.email, p.display, p.family, p.given, enterprise, p.department, p.employee)
}

// update is Entra's PATCH of four operations.
func (p *person) update() string {
	return patch(fmt.Sprintf(`{"op":"Replace","path":"displayName","value":%q}`, p.display),
		fmt.Sprintf(`{"op":"Replace","path":"emails[type eq \"work\"].value","value":%q}`, p.email),
		fmt.Sprintf(`{"op":"Add","path":"nickName","value":%q}`, p.nick),
		fmt.Sprintf(`{"op":"Replace","path":"%s:employeeNumber","value":%q}`, enterprise, p.employee))
}

// activation is Okta's PATCH.
func activation(active bool) string {
	return patch(fmt.Sprintf(`{"op":"replace","value":{"active":%t}}`, active))
}

func (t *team) asOkta() string {
	return fmt.Sprintf(`{"schemas":[%q],"displayName":%q,"members":[]}`, groupURN, t.name)
}

func (t *team) asEntra() string {
	return fmt.Sprintf(`{"schemas":[%q,"http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],"externalId":%q,"displayName":%q,"meta":{"resourceType":"Group"}}`,
		groupURN, t.externalID, t.name)
}

func addAsOkta(members []*person) string {
	return patchMembers(`{"op":"add","path":"members","value":[`, members, func(p *person) string { return fmt.Sprintf(`{"value":%q,"display":%q}`, p.id, p.userName) })
}

func addAsEntra(members []*person) string {
	return patchMembers(`{"op":"Add","path":"members","value":[`, members, func(p *person) string { return fmt.Sprintf(`{"$ref":null,"value":%q}`, p.id) })
}

func removeAsEntra(p *person) string {
	return patch(fmt.Sprintf(`{"op":"Remove","path":"members","value":[{"$ref":null,"value":%q}]}`, p.id))
}

func patchMembers(operation string, members []*person, show func(*person) string) string {
	values := make([]string, len(members))
	for i, p := range members {
		values[i] = show(p)
	}
	return patch(operation + strings.Join(values, ",") + `]}`)
}
