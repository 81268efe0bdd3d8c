//go:build race

package simulate

// slowdown is how much slower tests are with the race detector.
const slowdown = 8
