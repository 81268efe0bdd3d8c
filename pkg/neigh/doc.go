// Package neigh tracks the stations on the links that carry adverts. It remembers which stations
// were heard there, asks them whether the segment forwards, and detects what makes two machines
// answer for an address, or none:
//
//   - another station that has an address which is held here (conflicts.go),
//   - an address that is on this machine though its instance is not held (strays.go),
//   - a link of this machine that answers for others (proxy.go),
//   - a network that lets nothing through to a virtual MAC (reach.go), or nothing at
//     all though the carrier is up (silence.go).
//
// Each of these is a warning as long as it lasts, and none is a fault.
//
// The Monitor owns all of that and has no clock: its owner, the address worker of pkg/addr, calls
// Apply at each Deadline and provides the held addresses through the Holdings interface. Only Seen,
// which records the sightings of a Listener, may be called from other goroutines; it fills a cache
// behind a mutex, which Apply reads.
//
// The files *_linux.go hold the file descriptors: Listener receives ARP and neighbor
// discovery, LinuxSender sends them and the announcements of pkg/addr, SolicitedGroups
// joins the groups in which neighbors ask for our IPv6 addresses.
package neigh
