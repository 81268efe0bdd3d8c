package config

import (
	"errors"
	"fmt"
	"io/fs"

	"ripcord/pkg/config/problem"
	"ripcord/pkg/keepalived"
)

// Convert reads a file in keepalived's language and returns the same configuration in YAML, for a
// machine that has the programs and users in the file: a comment names those that this machine
// lacks. The error is a Refusal if the file could be read.
func Convert(path string, o Options) (string, error) {
	text, _, err := readFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w; name the keepalived.conf to convert", err)
	}
	if err != nil {
		return "", err
	}
	if yamlLine.Match(text) && !keepalivedLine.Match(text) {
		return "", fmt.Errorf("%s is a ripcord.yaml already: convert takes a keepalived.conf", path)
	}
	l := newLoader(&problem.Report{}, nil, Keepalived)
	t := keepalived.Translate(path, text, keepalived.Options{ID: o.ID, WithoutLVS: o.WithoutLVS, Elsewhere: true, System: system{}})
	if _, err := l.translated(t); err != nil {
		return "", err
	}
	return t.YAML(), nil
}
