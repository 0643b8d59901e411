//go:build race

package local

// patience divides the rounds of the long tests: SQLite runs several times slower under the race detector.
const patience = 8
