// Package wire encodes and decodes adverts, gratuitous ARP and unsolicited neighbor
// advertisements. It checks what is well formed and which key signed it, and nothing else.
//
// Everything except a Key, which belongs to one goroutine, is a pure function of its arguments,
// and may be called from any goroutine; nothing refers to the input afterwards. Encoders append
// to the caller's slice, decoders fill the caller's struct; with enough capacity in either
// nothing is allocated.
package wire
