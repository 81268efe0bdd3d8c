// Package wire turns adverts, gratuitous ARP and unsolicited neighbor
// advertisements into bytes and back. It decides what is well formed, and
// nothing else; everything is a pure function of its arguments.
package wire
