// Package control decides how the daemon answers the people and programs that
// ask it: HTTP and JSON on a unix socket, what only reads of it on a TCP port too
// (docs/architecture.md#goroutines), and the client that the command line uses.
//
// The server asks its Source from one goroutine for each request, so a Source
// must bear that; it holds no lock while it asks. The documents are values that
// share nothing with the daemon. Fetch may be called from any goroutine.
package control
