// Package control is the API of the daemon: HTTP and JSON on a unix socket, the read-only requests
// also on a TCP port, and the client that the command line uses.
//
// The server reads its Source from several goroutines, one per request, and holds no lock
// meanwhile. The documents are values that share nothing with the daemon. Fetch may be called from
// any goroutine.
package control
