// Package adopt lets a daemon go on where the one before it died, or handed over to it, so
// that no router sees a transition (docs/architecture.md#adoption).
//
// The record (record.go) is a file that the advert engine keeps while it runs: of each
// instance a digest of its configuration (digest.go) and the instant at which its last advert
// left. The next daemon reads it, and judge.go decides which groups it may continue. All but
// file_linux.go, which maps the file, is pure.
package adopt
