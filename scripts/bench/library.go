package main

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/elimity-com/scim"
	"github.com/elimity-com/scim/errors"
	"github.com/elimity-com/scim/optional"
	"github.com/elimity-com/scim/schema"
	"github.com/scim2/filter-parser/v2"
)

// newLibrary is the least that a SCIM server can do on elimity-com/scim: everything is in maps, nothing is durable, there is one tenant and no
// token. It does honestly what it does: names are unique and found by an index, every PATCH is applied, and the order of a list stands.
func newLibrary() (http.Handler, error) {
	return scim.NewServer(&scim.ServerArgs{
		ServiceProviderConfig: &scim.ServiceProviderConfig{SupportPatch: true, SupportFiltering: true, MaxResults: 1000},
		ResourceTypes: []scim.ResourceType{
			{ID: optional.NewString("User"), Name: "User", Endpoint: "/Users", Schema: schema.CoreUserSchema(),
				SchemaExtensions: []scim.SchemaExtension{{Schema: schema.ExtensionEnterpriseUser()}}, Handler: newShelf("userName")},
			{ID: optional.NewString("Group"), Name: "Group", Endpoint: "/Groups", Schema: schema.CoreGroupSchema(), Handler: newShelf("displayName")},
		},
	})
}

// shelf keeps the resources of one type. Attributes that were shown are never changed in place.
type shelf struct {
	unique string // the attribute

	mu     sync.RWMutex
	byID   map[string]*kept
	byName map[string]string // ids by the unique attribute in lower case
	order  []string
}

type kept struct {
	id       string
	values   scim.ResourceAttributes
	members  map[string]any // of a group, by their value
	created  time.Time
	modified time.Time
}

func newShelf(unique string) *shelf {
	return &shelf{unique: unique, byID: map[string]*kept{}, byName: map[string]string{}}
}

func (k *kept) resource() scim.Resource {
	values := k.values
	if len(k.members) > 0 {
		values = maps.Clone(values)
		values["members"] = slices.Collect(maps.Values(k.members))
	}
	external := optional.String{}
	if text, ok := values["externalId"].(string); ok {
		external = optional.NewString(text)
	}
	return scim.Resource{ID: k.id, ExternalID: external, Attributes: values, Meta: scim.Meta{Created: &k.created, LastModified: &k.modified}}
}

func (s *shelf) name(values scim.ResourceAttributes) string {
	text, _ := values[s.unique].(string)
	return strings.ToLower(text)
}

// Create implements scim.ResourceHandler.
func (s *shelf) Create(_ *http.Request, values scim.ResourceAttributes) (scim.Resource, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, taken := s.byName[s.name(values)]; taken {
		return scim.Resource{}, errors.ScimErrorUniqueness
	}
	now := time.Now()
	k := &kept{id: fmt.Sprintf("%032x", len(s.order)+1), created: now, modified: now, members: map[string]any{}}
	k.take(values)
	s.byID[k.id], s.byName[s.name(values)] = k, k.id
	s.order = append(s.order, k.id)
	return k.resource(), nil
}

// take gives a resource these attributes; members go into their map.
func (k *kept) take(values scim.ResourceAttributes) {
	k.values = maps.Clone(values)
	if list, ok := k.values["members"].([]any); ok {
		delete(k.values, "members")
		k.members = map[string]any{}
		k.add(list)
	}
}

func (k *kept) add(members []any) {
	for _, m := range members {
		if m, ok := m.(map[string]any); ok {
			k.members[fmt.Sprint(m["value"])] = m
		}
	}
}

// Get implements scim.ResourceHandler.
func (s *shelf) Get(_ *http.Request, id string) (scim.Resource, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	k, ok := s.byID[id]
	if !ok {
		return scim.Resource{}, errors.ScimErrorResourceNotFound(id)
	}
	return k.resource(), nil
}

// GetAll implements scim.ResourceHandler. Of filters it knows the one that providers send: the unique attribute and eq.
func (s *shelf) GetAll(_ *http.Request, p scim.ListRequestParams) (scim.Page, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	ids := s.order
	if p.FilterValidator != nil {
		e, ok := p.FilterValidator.GetFilter().(*filter.AttributeExpression)
		text, isText := "", false
		if ok {
			text, isText = e.CompareValue.(string)
		}
		if !isText || e.Operator != filter.EQ || !strings.EqualFold(e.AttributePath.AttributeName, s.unique) {
			return scim.Page{}, errors.ScimErrorInvalidFilter
		}
		ids = nil
		if id, found := s.byName[strings.ToLower(text)]; found {
			ids = []string{id}
		}
	}
	from := min(p.StartIndex-1, len(ids))
	page := scim.Page{TotalResults: len(ids), Resources: []scim.Resource{}}
	for _, id := range ids[from:min(from+p.Count, len(ids))] {
		page.Resources = append(page.Resources, s.byID[id].resource())
	}
	return page, nil
}

// Replace implements scim.ResourceHandler.
func (s *shelf) Replace(_ *http.Request, id string, values scim.ResourceAttributes) (scim.Resource, error) {
	return s.change(id, func(k *kept) error {
		k.take(values)
		return nil
	})
}

// Delete implements scim.ResourceHandler. No profile deletes anything.
func (s *shelf) Delete(*http.Request, string) error {
	return errors.ScimErrorMutability
}

// Patch implements scim.ResourceHandler. A group's answer is without a body, as Rollcall's is.
func (s *shelf) Patch(_ *http.Request, id string, operations []scim.PatchOperation) (scim.Resource, error) {
	out, err := s.change(id, func(k *kept) error {
		k.values = maps.Clone(k.values)
		for _, o := range operations {
			if err := k.apply(o); err != nil {
				return err
			}
		}
		return nil
	})
	if s.unique == "displayName" {
		out.Attributes = nil
	}
	return out, err
}

func (s *shelf) change(id string, change func(*kept) error) (scim.Resource, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, ok := s.byID[id]
	if !ok {
		return scim.Resource{}, errors.ScimErrorResourceNotFound(id)
	}
	next := *k
	if err := change(&next); err != nil {
		return scim.Resource{}, err
	}
	before, after := s.name(k.values), s.name(next.values)
	if owner, taken := s.byName[after]; taken && owner != id {
		return scim.Resource{}, errors.ScimErrorUniqueness
	}
	delete(s.byName, before)
	next.modified = time.Now()
	s.byID[id], s.byName[after] = &next, id
	return next.resource(), nil
}
