// Package syntax has the grammar of keepalived.conf, without what its keywords mean.
//
// The reader (reader.go, expand.go, sequence.go) makes lines of the files: without comments,
// with their definitions filled in, their sequences written out, their conditions decided
// and their includes in place. The parser (words.go, parser.go) makes statements of the lines: words, and
// perhaps a block in braces, each with its place. What is wrong becomes a note of a Report,
// to which the translation adds its own.
//
// Nothing here opens a file: System does.
package syntax
