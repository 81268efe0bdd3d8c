package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"ripcord/pkg/config/problem"
	"ripcord/pkg/wire"
	"ripcord/test/golden"
)

// TestGolden parses each testdata/*.yaml and compares the result, which is the problems or the
// configuration, with the .golden file beside it.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no input: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := outcome(Parse(filepath.Base(file), text))
			golden.Check(t, strings.TrimSuffix(file, ".yaml")+".golden", got)
		})
	}
}

// outcome returns the result of Parse as text.
func outcome(c *Config, err error) string {
	if err != nil {
		return err.Error() + "\n"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "log %s, control %s\n", c.Log.Level, strings.TrimSpace(c.Control.Socket+" "+c.Control.Listen))
	for _, g := range c.Groups {
		fmt.Fprintf(&b, "group %q\n", g.Name)
		if len(g.Track) > 0 || g.FaultAll {
			fmt.Fprintf(&b, "  tracks %+v, fault by all %t\n", g.Track, g.FaultAll)
		}
		if g.LastStanding {
			b.WriteString("  last standing\n")
		}
		for _, i := range g.Members {
			fmt.Fprintf(&b, "  instance %s: group %q, %s, vrid %d, %s, priority %d, every %s, miss %d, preempt %t, checksum %s, auto %t\n    advertises %v\n",
				i.Name, i.Group, i.Interface, i.VRID, i.Family, i.Priority, i.Interval, i.Miss, i.Preempt, i.Checksum, i.AutoChecksum, i.Addresses)
			if len(i.Extra) > 0 {
				fmt.Fprintf(&b, "    holds beside them %v\n", i.Extra)
			}
			if i.Source.IsValid() || len(i.Unicast.Peers) > 0 {
				fmt.Fprintf(&b, "    from %v to %v, ttl %d, of at least %d\n", i.Source, i.Unicast.Peers, i.Unicast.TTL, i.Unicast.MinTTL)
			}
			if i.Multicast.IsValid() {
				fmt.Fprintf(&b, "    to %v\n", i.Multicast)
			}
			if i.LinkMACAdverts {
				b.WriteString("    adverts leave from the MAC of the link\n")
			}
			if i.Weighted {
				b.WriteString("    weights may change its priority\n")
			}
			if w := i.Watching; w.On() {
				fmt.Fprintf(&b, "    probe %v, miss %d, in use %v\n", w.Interval, w.Miss, i.Watches())
			}
			if i.Routers != 0 {
				fmt.Fprintf(&b, "    %d routers\n", i.Routers)
			}
			if h := i.HMAC; h != nil {
				fmt.Fprintf(&b, "    keys %v, active %d, mode %d, window %v\n", h.Keys, h.Active, h.Mode, h.Window)
			}
			if len(i.Track) > 0 || i.IgnoreLink {
				fmt.Fprintf(&b, "    tracks %+v, ignores its link %t\n", i.Track, i.IgnoreLink)
			}
			if i.Version == wire.V2 {
				fmt.Fprintf(&b, "    by %v, authentication %d %q\n", i.Version, i.Auth.Type, i.Auth.Data)
			}
		}
	}
	for _, s := range c.Sets {
		fmt.Fprintf(&b, "set %s: every %s, miss %d, announce %+v\n", s.Instance, s.Interval, s.Miss, s.Announce)
		if s.Device != nil {
			fmt.Fprintf(&b, "  device %s on %s, %x\n", s.Device.Name, s.Link, s.Device.MAC)
		}
		for _, a := range s.Addresses {
			fmt.Fprintf(&b, "  %s on %s, label %q, scope %d", a.Prefix, a.Interface, a.Label, a.Scope)
			if a.Preferred {
				fmt.Fprintf(&b, ", preferred")
			}
			if a.Broadcast.IsValid() {
				fmt.Fprintf(&b, ", broadcast %s", a.Broadcast)
			}
			b.WriteString("\n")
		}
		if s.Refuse {
			b.WriteString("  accepts nothing\n")
		}
		for _, w := range s.Routes {
			fmt.Fprintf(&b, "  %s\n", w)
		}
	}
	for _, k := range c.Checks {
		fmt.Fprintf(&b, "check %s: every %s, timeout %s, rise %d, fall %d, initial %d, user %q, group %q, %T",
			k.Name, k.Interval, k.Timeout, k.Rise, k.Fall, k.Initial, k.User, k.Group, k.Probe)
		for _, field := range reflect.VisibleFields(reflect.TypeOf(k.Probe)) {
			fmt.Fprintf(&b, " %s=%v", field.Name, reflect.ValueOf(k.Probe).FieldByIndex(field.Index))
		}
		b.WriteString("\n")
		if err := k.Validate(); err != nil {
			fmt.Fprintf(&b, "  %v\n", err)
		}
	}
	for _, g := range c.Groups {
		if g.Fence != nil {
			fmt.Fprintf(&b, "fence of group %q, first member %s: %+v\n", g.Name, g.Members[0].Name, *g.Fence)
		}
	}
	for _, s := range slices.SortedFunc(maps.Keys(c.Notify), compareSubjects) {
		fmt.Fprintf(&b, "notify %+v: %+q\n", s, c.Notify[s])
	}
	if !c.NotifyAll.Empty() {
		fmt.Fprintf(&b, "notify: %+q\n", c.NotifyAll)
	}
	if c.FIFO != "" {
		fmt.Fprintf(&b, "fifo %q for %q %q\n", c.FIFO, c.FIFOUser, c.FIFOGroup)
	}
	if c.ScriptUser != "ripcord" {
		fmt.Fprintf(&b, "script user %q\n", c.ScriptUser)
	}
	fmt.Fprintf(&b, "link default: %+v\n", c.DefaultLink)
	for _, name := range sortedKeys(c.Links) {
		fmt.Fprintf(&b, "link %s: %+v\n", name, c.Links[name])
	}
	for _, w := range c.Warnings {
		fmt.Fprintf(&b, "warning: %s\n", w.Error())
	}
	return b.String()
}

func compareSubjects(a, b Subject) int {
	return strings.Compare(fmt.Sprint(a), fmt.Sprint(b))
}

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func TestLoadMissing(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "none.yaml")
	if _, err := Load(missing, Options{Flag: "--config"}); !errors.Is(err, fs.ErrNotExist) || !strings.HasSuffix(err.Error(), "; write one there, or name another file with --config") {
		t.Errorf("a missing file: %v; want what is missing and what to do", err)
	}
	// A reload has no flag that could name another file.
	if _, err := Load(missing, Options{}); !errors.Is(err, fs.ErrNotExist) || strings.Contains(err.Error(), "--") {
		t.Errorf("a missing file: %v; want what is missing", err)
	}
}

func TestProblemsUnwrap(t *testing.T) {
	_, err := Parse("x.yaml", []byte("log: {level: loud}\n"))
	var all problem.Problems
	if !errors.As(err, &all) || len(all) != 2 {
		t.Fatalf("%v; want two problems", err)
	}
	var one problem.Problem
	if !errors.As(err, &one) || one != all[0] {
		t.Errorf("the error does not unwrap to its first problem: %v", one)
	}
	if one.Line != 1 || one.Column != 1 || one.Path != "instances" {
		t.Errorf("first by Position: %+v", one)
	}
}
