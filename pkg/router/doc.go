// Package router owns every group of virtual routers, passes each input to the groups
// concerned, and turns their effects into orders.
//
// Core does all of this without a goroutine; it is pure, and the simulator runs it. Router is
// Core with a loop: the one goroutine that owns all VRRP state. The loop does no I/O. At each
// turn it takes what is in its backlogs at that moment and absorbs it in a fixed order: link
// changes, results, adverts, deadlines. So a dead cable is handled before a flood of adverts, and
// a flood delays no deadline. Groups may be called from any goroutine.
package router
