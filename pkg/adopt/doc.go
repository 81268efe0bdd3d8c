// Package adopt lets a daemon go on as Active after the previous one died, or handed over to it,
// so that no router sees a transition (docs/architecture.md#adoption).
//
// The record (record.go) is a file that the advert engine writes while it runs: for each
// instance a digest of its configuration (digest.go) and the instant at which its last advert
// left. The next daemon reads it, and judge.go decides which groups it may adopt. For a Backup with
// a fence the router's loop records the Actives that were heard (actives.go). All files except
// file_linux.go, which maps the file, are pure.
package adopt
