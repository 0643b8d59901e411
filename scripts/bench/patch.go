package main

import (
	"fmt"
	"maps"
	"strings"

	"github.com/elimity-com/scim"
	"github.com/elimity-com/scim/errors"
	"github.com/scim2/filter-parser/v2"
)

// apply applies one operation, of the kinds that the profiles send, to attributes that are this change's own.
func (k *kept) apply(o scim.PatchOperation) error {
	if o.Path == nil {
		values, ok := o.Value.(map[string]any)
		if !ok {
			return errors.ScimErrorInvalidValue
		}
		maps.Copy(k.values, values)
		return nil
	}
	name := o.Path.AttributePath.AttributeName
	switch {
	case name == "members" && o.Path.ValueExpression == nil:
		return k.applyMembers(o)
	case o.Op == scim.PatchOperationRemove:
		return errors.ScimErrorMutability
	case o.Path.ValueExpression != nil:
		return k.applyFiltered(o)
	case o.Path.AttributePath.URIPrefix != nil && k.values[o.Path.AttributePath.URI()] != nil:
		extension, _ := k.values[o.Path.AttributePath.URI()].(map[string]any)
		extension = maps.Clone(extension)
		extension[name] = o.Value
		k.values[o.Path.AttributePath.URI()] = extension
	default:
		k.values[name] = o.Value
	}
	return nil
}

func (k *kept) applyMembers(o scim.PatchOperation) error {
	list, ok := o.Value.([]any)
	if !ok {
		return errors.ScimErrorInvalidValue
	}
	switch o.Op {
	case scim.PatchOperationAdd:
		k.add(list)
	case scim.PatchOperationRemove:
		for _, m := range list {
			if m, ok := m.(map[string]any); ok {
				delete(k.members, fmt.Sprint(m["value"]))
			}
		}
	default:
		k.members = map[string]any{}
		k.add(list)
	}
	return nil
}

// applyFiltered sets a sub-attribute of the values of a multi-valued attribute that a filter of one comparison finds, or adds such a value.
func (k *kept) applyFiltered(o scim.PatchOperation) error {
	e, ok := o.Path.ValueExpression.(*filter.AttributeExpression)
	if !ok || e.Operator != filter.EQ || o.Path.SubAttribute == nil {
		return errors.ScimErrorInvalidFilter
	}
	name, found := o.Path.AttributePath.AttributeName, false
	before, _ := k.values[name].([]any)
	after := make([]any, len(before))
	for i, v := range before {
		after[i] = v
		if m, ok := v.(map[string]any); ok && strings.EqualFold(fmt.Sprint(m[e.AttributePath.AttributeName]), fmt.Sprint(e.CompareValue)) {
			m = maps.Clone(m)
			m[*o.Path.SubAttribute] = o.Value
			after[i], found = m, true
		}
	}
	if !found {
		after = append(after, map[string]any{e.AttributePath.AttributeName: e.CompareValue, *o.Path.SubAttribute: o.Value})
	}
	k.values[name] = after
	return nil
}
