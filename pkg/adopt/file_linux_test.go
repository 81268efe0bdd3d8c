package adopt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"ripcord/pkg/vrrp"
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
		keys = append(keys, Key{Name: name, Digest: DigestOf(name)})
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
	if err := last.Stop(); err != nil {
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
	keys := append(keysOf("a"), Key{Name: "b", Digest: DigestOf("changed")})
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
			if _, err := r.Keep([]Key{{Name: "a", Digest: DigestOf("changed")}, {Name: "b", Digest: DigestOf("changed")}}); err != nil {
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
	none.Actives("a", nil)
	none.Refresh()
	_, err = none.Keep(nil)
	if err := errors.Join(err, none.Stop(), none.Close()); err != nil || none.Kept() {
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
	if _, err := r.Keep([]Key{{Name: "a", Digest: DigestOf("changed")}}); err != nil {
		t.Fatal(err)
	}
	sent(10 * time.Second)
	want("it goes on with another configuration", began.Add(9*time.Second))
}

// actives returns Actives with the given addresses.
func actives(sources ...string) (list []vrrp.Advertiser) {
	for i, source := range sources {
		list = append(list, vrrp.Advertiser{Source: netip.MustParseAddr(source), Priority: uint8(100 + i), Interval: time.Second + time.Duration(i)})
	}
	return list
}

// TestActivesOutliveTheirDaemon checks that the Actives that a daemon has heard are read by the next
// one, however it ended, for the same virtual router only, and that a stop keeps the file for them.
func TestActivesOutliveTheirDaemon(t *testing.T) {
	in := edge(time.Second).Members[0]
	path := filepath.Join(t.TempDir(), "x.record")
	heard := actives("192.0.2.1", "fe80::1")
	want := func(what string, ended func(*Record), list []vrrp.Advertiser) {
		t.Helper()
		r, past, err := open(t, path)
		if got := past.Actives(&in); err != nil || !slices.Equal(got, list) {
			t.Errorf("%s: %v, %v; want %v", what, got, err, list)
		}
		if age, counts := past.Age(r.Now()); len(list) > 0 && (!counts || age > time.Minute) {
			t.Errorf("%s: the daemon ended %v ago, and its Actives count: %v", what, age, counts)
		}
		if past.Active() || past.CrashesAgain(r.Now()) {
			t.Errorf("%s: Active, or crashed", what)
		}
		if _, err := r.Keep([]Key{KeyOf(&in, Digest{1, 2})}); err != nil {
			t.Fatal(err)
		}
		r.Actives(in.Name, list)
		ended(r)
	}
	record := func(list []vrrp.Advertiser) func(*Record) { return func(r *Record) { r.Actives(in.Name, list) } }
	stop := func(r *Record) {
		if err := r.Stop(); err != nil {
			t.Error(err)
		}
		if at, err := LastWritten(path); err == nil && time.Since(at) > time.Minute {
			t.Errorf("a record that the next daemon needs counts as last written at %v", at)
		}
	}
	want("no record", record(heard), nil)
	want("after a crash", (*Record).HandOver, heard)
	want("after a handover", stop, heard)
	want("after a stop", func(r *Record) {
		r.Refresh()
		if _, err := r.Keep([]Key{KeyOf(&in, Digest{5, 6})}); err != nil {
			t.Error(err)
		}
	}, heard)
	want("after a reload", record(actives("192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5")), heard)
	want("more than there is room for", func(r *Record) {
		other := in
		other.VRID++
		if _, err := r.Keep([]Key{KeyOf(&other, Digest{5, 6})}); err != nil {
			t.Error(err)
		}
	}, actives("192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5")[1:])
	want("another virtual router of that name", record(heard), nil)
	in.VRID++
	want("of another virtual router", stop, nil)
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a stop leaves a record without Actives: %v", err)
	}
}

// TestActivesOfPast checks that the Actives of an instance that was Active itself do not count, and
// until when they do.
func TestActivesOfPast(t *testing.T) {
	in := edge(time.Second).Members[0]
	past := &Past{}
	past.NoteActives(&in, actives("192.0.2.1"), time.Hour)
	if got := past.Actives(&in); len(got) != 1 {
		t.Errorf("the Actives are %v", got)
	}
	for age, want := range map[time.Duration]bool{-1: false, 0: true, RecallWithin: true, RecallWithin + 1: false} {
		if got, counts := past.Age(time.Hour + age); got != age || counts != want {
			t.Errorf("%v after the end: age %v, counts %v", age, got, counts)
		}
	}
	past.Note(KeyOf(&in, Digest{}), time.Hour, 100, time.Hour)
	if got := past.Actives(&in); len(got) > 0 {
		t.Errorf("it was Active, and the Actives are %v", got)
	}
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

// FuzzParse checks that an instance is never Active according to a file unless it was recorded, and
// that each recorded Active could have been heard.
func FuzzParse(f *testing.F) {
	in := edge(time.Second).Members[0]
	good := make([]uint64, wordsOf(2))
	boot := Boot{1, 2}
	writeSlot(good, 0, KeyOf(&in, Digest{3, 4}))
	slot(good, 0)[inSent] = pack(time.Hour, 150)
	writeSlot(good, 1, KeyOf(&in, Digest{3, 4}))
	writeActives(slot(good, 1), actives("192.0.2.1", "fe80::1", "192.0.2.3", "192.0.2.4"))
	writeHeader(good, boot, 2)
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
		if err != nil && len(past.traces)+len(past.actives) > 0 {
			t.Errorf("%v, and %v, %v", err, past.traces, past.actives)
		}
		for _, a := range past.Actives(&in) {
			if !a.Source.IsValid() || a.Priority == 0 || a.Interval <= 0 || a.Interval > longestInterval {
				t.Errorf("Active %+v", a)
			}
		}
		if err == nil {
			past.CrashesAgain(time.Hour)
			past.Age(time.Hour)
		}
	})
}

// FuzzActives checks that what is recorded of Actives is read again, for any words that were in the
// slot before, and that a slot with a single other word is not read as another list.
func FuzzActives(f *testing.F) {
	f.Add([]byte{192, 0, 2, 1}, uint8(100), int64(time.Second), uint8(3), uint64(1))
	f.Add(bytes.Repeat([]byte{0xfe}, 16), uint8(255), int64(10*time.Millisecond), uint8(0), uint64(0))
	f.Fuzz(func(t *testing.T, source []byte, priority uint8, interval int64, word uint8, value uint64) {
		s := make([]uint64, slotWords)
		for i := range s {
			s[i] = value
		}
		address, ok := netip.AddrFromSlice(source)
		a := vrrp.Advertiser{Source: address.Unmap(), Priority: max(priority, 1), Interval: time.Duration(interval)}
		if !ok || a.Interval <= 0 || a.Interval > longestInterval {
			return
		}
		list := []vrrp.Advertiser{a, {Source: a.Source, Priority: 1, Interval: time.Second}}
		writeActives(s, list)
		if got := readActives(s); !slices.Equal(got, list) {
			t.Fatalf("read %v, want %v", got, list)
		}
		at := inActivesSum + int(word)%(slotWords-inActivesSum)
		same := s[at] == value
		if s[at] = value; !same && len(readActives(s)) > 0 {
			t.Errorf("word %d is %#x, and the list is %v", at, value, readActives(s))
		}
	})
}
