// Package wire turns adverts, gratuitous ARP and unsolicited neighbor
// advertisements into bytes and back. It decides what is well formed, and what
// is signed by whose key, and nothing else.
//
// Everything but a Key, which is for one goroutine, is a pure function of its
// arguments, so all of it may be called from any goroutine; nothing of the input
// is kept. Encoders append to the
// caller's slice, decoders fill the caller's struct; with enough capacity in
// either nothing is allocated.
package wire
