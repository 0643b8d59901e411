//go:build !race

package local

// patience divides the rounds of the long tests.
const patience = 1
