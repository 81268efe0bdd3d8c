// Package keepalived reads keepalived.conf, and says it in ripcord's own keys.
//
// pkg/keepalived/syntax makes statements of the files: keywords with their arguments and
// blocks. The translator (translate.go) takes each by the one table of keywords of its block
// (keywords_*.go), with keepalived's defaults and its tolerance, into a value of its
// kind: globals, an instance, a group, a check, the settings of a link. Once all are known,
// the values complete one another, and make the tree that pkg/config reads a YAML file
// into: every value bears its line and column in keepalived.conf, so that every check of
// pkg/config reports them. The converter (convert.go) writes that tree as a person would.
//
// Nothing here opens a file or asks the machine: System does.
package keepalived
