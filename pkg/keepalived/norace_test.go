//go:build !race

package keepalived

const slowdown = 1
