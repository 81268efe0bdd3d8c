package config

import (
	"path/filepath"

	"ripcord/pkg/keepalived"
)

// Convert reads a file in keepalived's language and returns the same configuration in YAML,
// whatever machine it is for. The error is Problems if the file could be read.
func Convert(path string, id string) (string, error) {
	text, _, err := readFile(path)
	if err != nil {
		return "", err
	}
	l := &loader{format: Keepalived}
	t := keepalived.Translate(path, text, keepalived.Options{ID: id, WithoutLVS: true, System: anyMachine{}})
	if _, err := l.translated(t); err != nil {
		return "", err
	}
	return t.YAML(), nil
}

// anyMachine is a machine that has the programs and users that a file names.
type anyMachine struct{ system }

// Program returns where programs are as a rule, if this machine has no such program.
func (m anyMachine) Program(name string) (string, bool) {
	if path, ok := m.system.Program(name); ok {
		return path, true
	}
	return filepath.Join("/usr/bin", name), true
}

// Runs reports that every program can be run.
func (anyMachine) Runs(string) bool { return true }

// User reports that there is a user, but for the one that keepalived looks for itself.
func (m anyMachine) User(name, group string) bool {
	return name != keepalived.ScriptUser || m.system.User(name, group)
}
