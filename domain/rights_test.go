package domain

import (
	"slices"
	"testing"
)

func TestRights(t *testing.T) {
	all, reads, acme := AllRights(), Rights{Permissions: []Permission{PermissionRead}}, Rights{Permissions: Permissions, OrganizationID: "acme"}
	acmeReads := Rights{Permissions: []Permission{PermissionRead}, OrganizationID: "acme"}
	for _, c := range []struct {
		of, to Rights
		cover  bool
	}{
		{all, all, true}, {all, reads, true}, {all, acme, true},
		{reads, all, false}, {reads, reads, true}, {reads, acmeReads, true}, {reads, acme, false},
		{acme, acme, true}, {acme, acmeReads, true}, {acme, all, false}, {acme, reads, false}, {acme, Rights{Permissions: Permissions, OrganizationID: "globex"}, false},
		{acmeReads, acme, false}, {Rights{}, reads, false},
	} {
		if got := c.of.Cover(c.to); got != c.cover {
			t.Errorf("%v cover %v: %v", c.of, c.to, got)
		}
	}
	if !all.Sees("") || !all.Sees("acme") || acme.Sees("") || !acme.Sees("acme") || acme.Sees("globex") {
		t.Error("rights see other organizations than theirs")
	}
	if !all.May(PermissionWrite) || reads.May(PermissionWrite) || !reads.May(PermissionRead) || (Rights{}).May(PermissionRead) {
		t.Error("rights allow what they do not hold")
	}
}

func TestParsePermissions(t *testing.T) {
	for _, c := range []struct {
		names []string
		want  []Permission // nil if they are refused
	}{
		{nil, Permissions},
		{[]string{"read"}, []Permission{PermissionRead}},
		{[]string{"write", "read", "write"}, Permissions},
		{[]string{}, nil},
		{[]string{"read", "admin"}, nil},
		{[]string{"Read"}, nil},
		{[]string{""}, nil},
	} {
		got, err := ParsePermissions(c.names)
		if !slices.Equal(got, c.want) || (err == nil) == (c.want == nil) {
			t.Errorf("%q are %v, %v", c.names, got, err)
		}
		if err != nil && Shown(err).Fields["permissions"] == "" {
			t.Errorf("%q: %v does not name the field", c.names, err)
		}
	}
}
