package config

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ripcord/pkg/config/problem"
	"ripcord/pkg/keepalived"
)

// FuzzConvert checks that a keepalived.conf is either refused with a reason, or makes a
// configuration that keeps the promises of docs/configuration.md and whose conversion means the
// same.
func FuzzConvert(f *testing.F) {
	files, _ := filepath.Glob("../keepalived/testdata/*.conf")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		o := keepalived.Options{ID: "alpha", WithoutLVS: true, Elsewhere: true, System: lonely{}}
		tr := keepalived.Translate("fuzz.yaml", text, o)
		want, err := newLoader(&problem.Report{}, nil, Keepalived).translated(tr)
		if err != nil {
			return
		}
		checkConfig(t, want)
		yaml := tr.YAML()
		got, err := Parse("converted.yaml", []byte(yaml))
		if err != nil {
			t.Fatalf("the conversion does not load: %v\n%s", err, yaml)
		}
		takeBack(t, got, want)
		if !runs.MatchString(yaml) {
			got.ScriptUser, got.ScriptGroup = want.ScriptUser, want.ScriptGroup // no command is run
		}
		got.File, got.Format, got.Warnings, want.Warnings = want.File, want.Format, nil, nil
		if diff := cmp.Diff(want, got, inside...); diff != "" {
			t.Errorf("-the file, +its conversion:\n%s\n%s", diff, yaml)
		}
	})
}

// lonely is a machine without files to include.
type lonely struct{ system }

func (lonely) Glob(string) []string             { return nil }
func (lonely) Read(string, int) ([]byte, error) { return nil, os.ErrNotExist }
func (lonely) Random(from, _ int) int           { return from }
