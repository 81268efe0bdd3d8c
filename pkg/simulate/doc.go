// Package simulate plays the configurations of some routers on a virtual LAN, in virtual time:
// what happens when a cable is pulled, a router dies, a check fails, before it happens to
// anybody. The engine is pkg/sim, with the state machines, orders and advert plan of the daemon.
//
//	LAN       the routers, the segments that their interfaces share, and the addresses that
//	          they have there (lan.go, addresses.go)
//	Act       what is done to the LAN at an instant: a line such as "5s unplug left eth0"
//	          (act.go, verbs.go)
//	Play      plays acts, and records who did what (play.go, record.go)
//	Result    the record: the states of the routers, who served which address when, the
//	          outages and the times with two Actives, and the lines of the logs (result.go)
//	Picture   a Result as text (text.go) and as SVG (svg.go); what both need is in picture.go
//	Advice    what the configurations of the routers contradict one another in (advice.go), by
//	          what it is about (advice_*.go)
//	Explain   each fault played by itself (explain.go), of checks too (checks.go)
//	Chaos     random disturbances, the worst that each kind of them does (chaos.go), and the
//	          fewest lines that show it (shrink.go)
//
// Nothing here reads the clock or a file.
package simulate
