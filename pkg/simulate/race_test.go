//go:build race

package simulate

// slowdown is the factor by which the race detector slows tests.
const slowdown = 8
