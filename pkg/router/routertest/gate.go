package routertest

import "sync/atomic"

// Gate blocks the goroutines that pass it while it is closed. The zero Gate is open, and so is nil.
type Gate struct{ closed atomic.Pointer[chan struct{}] }

// Close makes each later Pass wait.
func (g *Gate) Close() {
	opened := make(chan struct{})
	g.closed.CompareAndSwap(nil, &opened)
}

// Open ends all waits. A gate that is open stays so.
func (g *Gate) Open() {
	if opened := g.closed.Swap(nil); opened != nil {
		close(*opened)
	}
}

// Pass waits until the gate is open.
func (g *Gate) Pass() {
	if g == nil {
		return
	}
	if opened := g.closed.Load(); opened != nil {
		<-*opened
	}
}
