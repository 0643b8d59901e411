//go:build race

package projections_test

// raced makes less of what is long: the race detector slows SQLite down tenfold.
const raced = true
