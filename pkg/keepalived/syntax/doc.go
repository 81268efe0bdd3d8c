// Package syntax parses keepalived.conf without interpreting its keywords.
//
// The reader (reader.go, expand.go, sequence.go) turns the files into lines: without comments, with
// definitions filled in, sequences written out, conditions decided, and included files in place.
// The parser (words.go, parser.go) turns the lines into statements: words and an optional block in
// braces, each with its place. A problem becomes a note of a Report, to which the translation adds
// its own.
//
// This package opens no files: System does.
package syntax
