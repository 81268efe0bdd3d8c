// Package simulate plays the configurations of some routers on a virtual LAN, in virtual time:
// what happens when a cable is pulled, a router dies or a check fails, before it happens in
// production. The engine is pkg/sim, with the state machines, orders and advert plan of the daemon.
//
//	LAN       the routers, the segments that connect their interfaces, and their own
//	          addresses there (lan.go, addresses.go)
//	Act       something done to the LAN at an instant: a line such as "5s unplug left eth0"
//	          (act.go, verbs.go)
//	Play      plays acts, and records what happens (play.go, record.go)
//	Result    the record: the states of the routers, who served which address when, the
//	          outages and the times with two Actives, and the lines of the logs (result.go)
//	Picture   a Result as text (text.go) and as SVG (svg.go); picture.go is shared by both
//	Advice    contradictions between the configurations of the routers (advice.go), in one
//	          file per subject (advice_*.go)
//	Explain   each fault played by itself (explain.go), including checks (checks.go)
//	Chaos     random disturbances, and the worst result of each kind (chaos.go), with the
//	          fewest lines that reproduce it (shrink.go)
//
// The package reads neither the clock nor files.
package simulate
