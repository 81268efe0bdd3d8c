// Package neigh knows the stations on the links that carry adverts, and sends them
// ARP and neighbor discovery.
package neigh
