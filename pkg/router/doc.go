// Package router leads: it owns every group of virtual routers, gives each fact
// to the groups that it concerns, and turns what follows into orders.
//
// Core is the whole of it without a goroutine, pure, and what the simulator
// runs. Router is Core with a loop: the one goroutine that owns all VRRP state.
// It does no I/O. At each turn it takes what stands in its backlogs at that
// moment and absorbs it in a fixed order: link changes, results, adverts,
// deadlines; so a dead cable outranks a flood, and a flood starves no deadline.
// Groups may be called from any goroutine.
package router
