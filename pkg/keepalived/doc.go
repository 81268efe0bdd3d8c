// Package keepalived reads keepalived.conf and translates it into ripcord's own keys.
//
// pkg/keepalived/syntax parses the files into statements: keywords with their arguments and blocks.
// The translator (translate.go) looks up each keyword in the one table of its block (keywords_*.go)
// and fills in, with keepalived's defaults and its tolerance, a value of its kind: globals, an
// instance, a group, a check, the settings of a link. Once all are known, the values complete one
// another, and make the tree that pkg/config also reads a YAML file into. Every value keeps its
// line and column in keepalived.conf, so that every check of pkg/config reports them. The converter
// (convert.go) writes that tree as a person would.
//
// This package opens no files and queries no machine: System does.
package keepalived
