package config

import (
	"ripcord/pkg/config/problem"
	"ripcord/pkg/keepalived"
)

// Convert reads a file in keepalived's language and returns the same configuration in YAML, for a
// machine that has the programs and users in the file: a comment says which ones this machine
// lacks. The error is a Refusal if the file could be read.
func Convert(path string, o Options) (string, error) {
	text, _, err := readFile(path)
	if err != nil {
		return "", err
	}
	l := newLoader(&problem.Report{}, nil, Keepalived)
	t := keepalived.Translate(path, text, keepalived.Options{ID: o.ID, WithoutLVS: o.WithoutLVS, Elsewhere: true, System: system{}})
	if _, err := l.translated(t); err != nil {
		return "", err
	}
	return t.YAML(), nil
}
