package adopt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func open(t *testing.T, path string) (*Record, *Past, error) {
	t.Helper()
	r, past, err := Open(path)
	if r == nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if r.file != nil {
			_ = r.Close()
		}
	})
	return r, past, err
}

func keysOf(names ...string) (keys []Key) {
	for _, name := range names {
		keys = append(keys, Key{name, DigestOf(name)})
	}
	return keys
}

// active returns those of the names that were Active according to the past.
func (p *Past) active(names ...string) (list []string) {
	for _, name := range names {
		if t := p.traces[hashOf(name)]; t.sent > 0 && t.digest == DigestOf(name) {
			list = append(list, name)
		}
	}
	return list
}

// TestRecordOutlivesItsDaemon checks that the record is read, whether the daemon died or handed
// over, and that a new daemon begins with an empty one.
func TestRecordOutlivesItsDaemon(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.record")
	r, past, err := open(t, path)
	if err != nil || len(past.traces) > 0 {
		t.Fatalf("a new record has %v, %v", past.traces, err)
	}
	if _, err := r.Keep(keysOf("a", "b", "c")); err != nil {
		t.Fatal(err)
	}
	at := time.Now()
	r.Sent("a", 150, at)
	r.Sent("b", 150, at)
	r.Silent("b")
	r.Sent("nobody", 150, at)

	next, past, err := open(t, path)
	if got := past.active("a", "b", "c"); err != nil || len(got) != 1 || past.Handover {
		t.Fatalf("Active instances %v, handed over: %v, %v", got, past.Handover, err)
	}
	if got := past.traces[hashOf("a")]; got.priority != 150 || next.Now()-got.sent > 10*time.Second || next.Now() < got.sent {
		t.Errorf("recorded %+v, now is %v", got, next.Now())
	}
	if got := next.Time(past.traces[hashOf("a")].sent).Sub(at); got.Abs() > time.Millisecond {
		t.Errorf("its advert left %v after it did", got)
	}
	if _, err := next.Keep(keysOf("a", "b", "c")); err != nil {
		t.Fatal(err)
	}
	if _, past, _ = open(t, path); len(past.active("a", "b", "c")) > 0 {
		t.Error("instances that were Active before this daemon count as its own")
	}
	next.Sent("c", 100, time.Now())
	next.HandOver()
	last, past, err := open(t, path)
	if got := past.active("a", "b", "c"); err != nil || len(got) != 1 || !past.Handover {
		t.Errorf("Active instances %v, handed over: %v, %v", got, past.Handover, err)
	}
	if past.CrashesAgain(last.Now()) {
		t.Error("a handover counts as a crash")
	}
	if err := last.Remove(); err != nil {
		t.Error(err)
	}
}

// TestRecordFollowsReload checks that a reload keeps instances that stay, and forgets those that
// are gone or have changed, and that many more instances make the file grow while the engine
// writes.
func TestRecordFollowsReload(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.record")
	r, _, _ := open(t, path)
	if _, err := r.Keep(keysOf("a", "b", "c")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "b", "c"} {
		r.Sent(name, 150, time.Now())
	}
	old := r.table.Load()
	keys := append(keysOf("a"), Key{"b", DigestOf("changed")})
	var names []string
	for i := range 500 {
		names = append(names, string(rune('A'+i%26))+string(rune('a'+i/26)))
	}
	changed, err := r.Keep(append(keys, keysOf(names...)...))
	if err != nil || len(changed) != 1 || changed[0] != "b" {
		t.Fatalf("changed: %v, want b; %v", changed, err)
	}
	old.sent("c", 150, r.Now()) // it had the old table still
	old.sent("a", 151, r.Now())
	r.Sent(names[499], 150, time.Now())
	_, past, err := open(t, path)
	if err != nil {
		t.Fatal(err)
	}
	if got := past.active(append(names, "a", "b", "c")...); len(got) != 2 {
		t.Errorf("Active instances %v, want %s and a", got, names[499])
	}
	if got := past.traces[hashOf("a")].priority; got != 151 {
		t.Errorf("a has priority %d, want 151", got)
	}
}

// TestRecordOfChange checks that the record shows that an Active instance has not advertised since
// a reload changed its configuration, until it advertises or falls silent.
func TestRecordOfChange(t *testing.T) {
	for name, c := range map[string]struct {
		then func(*Record)
		want bool
	}{
		"nothing more": {func(*Record) {}, true},
		"an advert":    {func(r *Record) { r.Sent("a", 150, time.Now()) }, false},
		"the end":      {func(r *Record) { r.Silent("a") }, false},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.record")
			r, _, _ := open(t, path)
			if _, err := r.Keep(keysOf("a", "b")); err != nil {
				t.Fatal(err)
			}
			r.Sent("a", 150, time.Now())
			if _, err := r.Keep([]Key{{"a", DigestOf("changed")}, {"b", DigestOf("changed")}}); err != nil {
				t.Fatal(err)
			}
			c.then(r)
			_, past, err := open(t, path)
			if err != nil {
				t.Fatal(err)
			}
			if got := past.traces[hashOf("a")].changing; got != c.want {
				t.Errorf("changing: %v, want %v", got, c.want)
			}
			if past.traces[hashOf("b")].changing {
				t.Error("an instance that was not Active counts as changing")
			}
			if c.want && !past.Active() {
				t.Error("no instance counts as Active")
			}
		})
	}
}

// TestBadRecords checks that an unusable file does not prevent a start, and that nothing is
// adopted from it.
func TestBadRecords(t *testing.T) {
	good := filepath.Join(t.TempDir(), "good")
	r, _, _ := open(t, good)
	if _, err := r.Keep(keysOf("a")); err != nil {
		t.Fatal(err)
	}
	r.Sent("a", 150, time.Now())
	text, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	alter := func(word int, value uint64) []byte {
		all := bytes.Clone(text)
		binary.NativeEndian.PutUint64(all[word*wordBytes:], value)
		return all
	}
	resum := func(all []byte) []byte {
		words := make([]uint64, headerWords)
		for i := range words {
			words[i] = binary.NativeEndian.Uint64(all[i*wordBytes:])
		}
		binary.NativeEndian.PutUint64(all[atCheck*wordBytes:], sum(words[:atCheck]))
		return all
	}
	for name, c := range map[string]struct {
		text []byte
		want error
	}{
		"truncated header":   {text[:100], errTruncated},
		"truncated slots":    {text[:len(text)-1], errTruncated},
		"another program's":  {[]byte(string(bytes.Repeat([]byte("garbage "), 100))), errForeign},
		"zeros":              {make([]byte, len(text)), errForeign},
		"of another boot":    {resum(alter(atBoot, 1)), errBoot},
		"of another version": {resum(alter(atSize, (version+1)<<32|1)), errVersion},
		"too many slots":     {resum(alter(atSize, version<<32|1<<31)), errTruncated},
		"a flipped bit":      {alter(atBoot, 1), errForeign},
		"a damaged slot":     {alter(headerWords+inDigest, 1), nil},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "bad")
			if err := os.WriteFile(path, c.text, 0o600); err != nil {
				t.Fatal(err)
			}
			r, past, err := open(t, path)
			if !errors.Is(err, c.want) || len(past.active("a")) > 0 {
				t.Errorf("Active instances %v, error %v, want %v", past.active("a"), err, c.want)
			}
			if _, err := r.Keep(keysOf("a")); err != nil {
				t.Fatal(err)
			}
			r.Sent("a", 150, time.Now())
			if _, past, err := open(t, path); err != nil || len(past.active("a")) != 1 {
				t.Errorf("then recorded %v, %v", past.active("a"), err)
			}
		})
	}
	dir := t.TempDir()
	if err := os.Symlink(good, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, filepath.Join(dir, "link"), filepath.Join(dir, "none", "x")} {
		if r, past, err := Open(path); r != nil || err == nil || past == nil {
			t.Errorf("%s is used: %v", path, err)
		}
	}
	var none *Record
	none.Sent("a", 1, time.Now())
	none.Silent("a")
	none.GoOn("a", time.Now(), time.Now())
	none.Refresh()
	_, err = none.Keep(nil)
	if err := errors.Join(err, none.Remove(), none.Close()); err != nil || none.Kept() {
		t.Error(err)
	}
}

// TestActiveSince checks that an instance counts as Active since its first advert, whichever
// daemons send the later ones, until it falls silent.
func TestActiveSince(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.record")
	began := time.Now()
	var r *Record
	want := func(what string, since time.Time) {
		t.Helper()
		var past *Past
		r, past, _ = open(t, path)
		if got := r.Time(past.traces[hashOf("a")].since).Sub(since); got.Abs() > time.Millisecond {
			t.Errorf("%s: Active since %v after it became Active", what, got)
		}
		if _, err := r.Keep(keysOf("a")); err != nil {
			t.Fatal(err)
		}
	}
	sent := func(after ...time.Duration) {
		for _, d := range after {
			r.Sent("a", 150, began.Add(d))
		}
	}
	r, _, _ = open(t, path)
	if _, err := r.Keep(keysOf("a")); err != nil {
		t.Fatal(err)
	}
	sent(0, time.Second)
	want("it has sent two", began)
	r.GoOn("a", began, began.Add(2*time.Second))
	sent(2*time.Second, 3*time.Second)
	want("adopted in time", began)
	r.GoOn("a", began, began.Add(4*time.Second))
	sent(5 * time.Second)
	want("not adopted after all", began.Add(5*time.Second))
	r.GoOn("a", began, began.Add(8*time.Second))
	sent(6 * time.Second)
	r.Silent("a")
	sent(7*time.Second, 8*time.Second)
	want("it resigned, and came back", began.Add(7*time.Second))
	sent(9 * time.Second)
	if _, err := r.Keep([]Key{{"a", DigestOf("changed")}}); err != nil {
		t.Fatal(err)
	}
	sent(10 * time.Second)
	want("it goes on with another configuration", began.Add(9*time.Second))
}

// TestSentAllocatesNothing checks that recording an advert allocates nothing.
func TestSentAllocatesNothing(t *testing.T) {
	r, _, _ := open(t, filepath.Join(t.TempDir(), "x"))
	if _, err := r.Keep(keysOf("a")); err != nil {
		t.Fatal(err)
	}
	at := time.Now()
	if n := testing.AllocsPerRun(1000, func() { r.Sent("a", 150, at) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzParse checks that an instance is never Active according to a file unless it was recorded.
func FuzzParse(f *testing.F) {
	good := make([]uint64, wordsOf(1))
	boot := Boot{1, 2}
	writeSlot(good, 0, Key{"a", Digest{3, 4}})
	slot(good, 0)[inSent] = pack(time.Hour, 150)
	writeHeader(good, boot, 1)
	var text []byte
	for _, w := range good {
		text = binary.NativeEndian.AppendUint64(text, w)
	}
	f.Add(text)
	f.Add(text[:len(text)/2])
	f.Fuzz(func(t *testing.T, text []byte) {
		words := make([]uint64, len(text)/wordBytes)
		for i := range words {
			words[i] = binary.NativeEndian.Uint64(text[i*wordBytes:])
		}
		past, err := parse(words, boot)
		if err != nil && len(past.traces) > 0 {
			t.Errorf("%v, and %v", err, past.traces)
		}
		if err == nil {
			past.CrashesAgain(time.Hour)
		}
	})
}
