//go:build !race

package simulate

const slowdown = 1
