package config

import (
	"bytes"
	"path/filepath"
	"regexp"

	"ripcord/pkg/config/problem"
	"ripcord/pkg/tree"
)

// Format is the language of a file.
type Format string

// The languages of files.
const (
	ByName     Format = "" // keepalived's if the path ends in .conf
	YAML       Format = "yaml"
	Keepalived Format = "keepalived"
)

// These patterns match lines that occur in only one of the languages.
var (
	keepalivedLine = regexp.MustCompile(`(?m)^[ \t]*(global_defs|vrrp_instance|vrrp_sync_group|vrrp_script|virtual_server)\b[^:\n]*(\{|$)`)
	yamlLine       = regexp.MustCompile(`(?m)^(instances|defaults|groups):`)
)

// of returns the language of a file. If its name decides, a line of the other language is a Refusal
// that points at it.
func (f Format) of(path string, text []byte) (Format, error) {
	switch {
	case f != ByName:
		return f, nil
	case filepath.Ext(path) == ".conf":
		return Keepalived, without(yamlLine, path, text, "give --format yaml", "this is in ripcord's own language, and the path ends in .conf")
	}
	return YAML, without(keepalivedLine, path, text, "give --format keepalived", "this is in keepalived's language, and the path does not end in .conf")
}

// without returns a Refusal that points at the first such line of a file; nil if there is none.
func without(line *regexp.Regexp, path string, text []byte, hint, message string) error {
	at := line.FindIndex(text)
	if at == nil {
		return nil
	}
	r := problem.Of(path, text)
	r.Advise(problem.Place{Position: tree.Position{Line: 1 + bytes.Count(text[:at[0]], []byte("\n")), Column: 1}}, hint, "%s", message)
	return &Refusal{Problems: r.Problems()}
}
