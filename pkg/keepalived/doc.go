// Package keepalived reads keepalived.conf, and says it in ripcord's own keys.
//
// A file passes through three steps. The reader (reader.go, expand.go, sequence.go) makes
// lines of it: without comments, with its definitions filled in, its sequences written out
// and its includes in their place. The parser (words.go, parser.go) makes statements of the
// lines: words, and perhaps a block in braces. The translation (keywords_*.go,
// translate_*.go) takes each statement by the one table of keywords, with keepalived's
// defaults and its tolerance, and makes the tree that pkg/config reads a YAML file into:
// every value bears its line and column in keepalived.conf, so that every check of
// pkg/config reports them.
//
// Nothing here opens a file or asks the machine: System does.
package keepalived
