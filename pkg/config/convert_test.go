package config

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ripcord/pkg/config/problem"
	"ripcord/pkg/keepalived"
	"ripcord/pkg/track"
	"ripcord/pkg/wire"
)

// TestConvertMeansTheSame compares, for each keepalived.conf of the corpus, the configuration that
// ripcord loads from it with the configuration of its conversion.
func TestConvertMeansTheSame(t *testing.T) {
	files, err := filepath.Glob("../keepalived/testdata/*.conf")
	if err != nil || len(files) < 150 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	converted, replaced := 0, 0
	for _, file := range files {
		if filepath.Base(file) == "syntax-random.conf" {
			continue // refused with another number each time
		}
		t.Run(strings.TrimSuffix(filepath.Base(file), ".conf"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			want, refused := newLoader(&problem.Report{}, nil, Keepalived).translated(keepalived.Translate(file, text, keepalived.Options{ID: "alpha", WithoutLVS: true, Elsewhere: true, System: system{}}))
			yaml, err := Convert(file, Options{ID: "alpha", WithoutLVS: true})
			if (err == nil) != (refused == nil) {
				t.Fatalf("as a configuration: %v; converted: %v", refused, err)
			}
			if err != nil {
				return
			}
			got, err := Parse("converted.yaml", []byte(yaml))
			if err != nil {
				t.Fatalf("the conversion does not load: %v\n%s", err, yaml)
			}
			converted++
			replaced += takeBack(t, got, want)
			if !runs.MatchString(yaml) {
				got.ScriptUser, got.ScriptGroup = want.ScriptUser, want.ScriptGroup // no command is run
			}
			got.File, got.Format, got.Warnings, want.Warnings = want.File, want.Format, nil, nil
			if diff := cmp.Diff(want, got, inside...); diff != "" {
				t.Errorf("-the file, +its conversion:\n%s\n%s", diff, yaml)
			}
		})
	}
	if converted < 150 || replaced < 5 {
		t.Errorf("only %d files were converted, and %d commands replaced: this reads the corpus wrongly", converted, replaced)
	}
}

// runs matches the keys of what is run as script_user.
var runs = regexp.MustCompile(`(?m)^ *(- )?(command|notify|fifo):`)

// inside makes cmp compare the unexported fields of values.
var inside = []cmp.Option{
	cmp.Exporter(func(reflect.Type) bool { return true }),
	cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
	cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
	cmp.Comparer(func(a, b wire.Secret) bool { return bytes.Equal(signed(a), signed(b)) }),
}

// signed returns a message with the trailer of a secret.
func signed(s wire.Secret) []byte {
	message := make([]byte, 64)
	wire.NewKey(1, s).Sign(message, netip.IPv4Unspecified(), 1)
	return message
}

// takeBack puts back the commands that the conversion replaced by ripcord's own checks, and returns
// their number.
func takeBack(t *testing.T, got, want *Config) (replaced int) {
	for i := range got.Checks {
		if i >= len(want.Checks) {
			break
		}
		own, old := &got.Checks[i], want.Checks[i]
		command, ok := old.Probe.(track.Command)
		if _, still := own.Probe.(track.Command); still || !ok {
			continue
		}
		if !slices.Contains([]string{"killall", "pidof", "pgrep", "nc", "curl"}, filepath.Base(command.Argv[0])) {
			t.Errorf("%v is replaced by %v", command, own.Probe)
		}
		own.Probe, own.User, own.Group = old.Probe, old.User, old.Group
		if own.Timeout < old.Timeout || old.Timeout == 0 {
			own.Timeout = old.Timeout // the command had its own timeout
		}
		replaced++
	}
	return replaced
}
