//go:build race

package scim_test

// raced says that allocations cannot be counted: the race detector makes some of its own.
const raced = true
