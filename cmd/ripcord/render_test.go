package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ripcord/pkg/control"
	"ripcord/test/golden"
)

// statusOf reads a status document from testdata.
func statusOf(t *testing.T, name string) *control.Status {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	var s control.Status
	if err := decoder.Decode(&s); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return &s
}

var now = time.Date(2026, 3, 1, 12, 1, 35, 620_000_000, time.UTC)

// TestRender compares the tables of each document in testdata.
func TestRender(t *testing.T) {
	for _, name := range []string{"pulled", "healthy", "empty"} {
		var got bytes.Buffer
		if err := render(&got, statusOf(t, name), now, look{width: pageWidth}); err != nil {
			t.Fatal(err)
		}
		golden.Check(t, filepath.Join("testdata", name+".txt"), got.String())
		for _, line := range strings.Split(got.String(), "\n") {
			if strings.TrimRight(line, " ") != line {
				t.Errorf("%s: a line ends with blanks: %q", name, line)
			}
		}
	}
}

// TestRenderWidths compares a page of waits, warnings, long names and IPv6 addresses with what it should
// be on terminals of different widths, and requires that no line is longer.
func TestRenderWidths(t *testing.T) {
	for width := 80; width <= 200; width++ {
		var got bytes.Buffer
		if err := render(&got, statusOf(t, "crowded"), now, look{width: width}); err != nil {
			t.Fatal(err)
		}
		if width == 80 || width == 100 || width == 120 {
			golden.Check(t, filepath.Join("testdata", fmt.Sprintf("crowded-%d.txt", width)), got.String())
		}
		for line := range strings.Lines(got.String()) {
			if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > width {
				t.Errorf("%d columns: a line has %d: %s", width, n, line)
			}
		}
	}
}

// TestRenderOne requires that the page of one instance shows what it and its group track, with
// those links and checks, and nothing of another instance.
func TestRenderOne(t *testing.T) {
	for _, name := range []string{"inside", "dmz"} {
		s, err := only(statusOf(t, "pulled"), name)
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		if err := render(&got, s, now, look{width: pageWidth}); err != nil {
			t.Fatal(err)
		}
		golden.Check(t, filepath.Join("testdata", "pulled-"+name+".txt"), got.String())
	}
}

// TestRowsFold requires that a row is folded if it does not fit the terminal, wrapped at its end if
// that takes two lines, and one line in a pipe.
func TestRowsFold(t *testing.T) {
	s := statusOf(t, "healthy")
	s.Instances = s.Instances[:1]
	s.Instances[0].VirtualMAC, s.Instances[0].ExtraAddresses = nil, nil
	for width, want := range map[int]string{
		87: `
NAME    GROUP  STATE   FOR   WHY             LINK  VRID  PRIO          ACTIVE
    ADDRESSES
inside  edge   active  1d2h  active-timeout  eth0  51    130 (of 150)  192.0.2.2 (150)
    192.0.2.1, 192.0.2.9
`,
		104: `
NAME    GROUP  STATE   FOR   WHY             LINK  VRID  PRIO          ACTIVE           ADDRESSES
inside  edge   active  1d2h  active-timeout  eth0  51    130 (of 150)  192.0.2.2 (150)  192.0.2.1,
                                                                                        192.0.2.9
`,
		unfolded: `
NAME    GROUP  STATE   FOR   WHY             LINK  VRID  PRIO          ACTIVE           ADDRESSES
inside  edge   active  1d2h  active-timeout  eth0  51    130 (of 150)  192.0.2.2 (150)  192.0.2.1, 192.0.2.9
`,
	} {
		var got bytes.Buffer
		instances(s, now).write(&got, look{width: width})
		if diff := cmp.Diff(strings.TrimPrefix(want, "\n"), got.String()); diff != "" {
			t.Errorf("%d columns (-want +got):\n%s", width, diff)
		}
	}
}

// TestWhy requires that the reason shows what is waited for, with the time that is left, until that
// is over.
func TestWhy(t *testing.T) {
	until := now.Add(24*time.Second + time.Millisecond)
	i := control.Instance{LastEvent: "startup", Wait: &control.Wait{Text: "preempt_delay", Until: &until}}
	for after, want := range map[time.Duration]string{
		0: "startup (preempt_delay, 25s left)", 24 * time.Second: "startup (preempt_delay, 1s left)", 25 * time.Second: "startup",
	} {
		if got := why(i, now.Add(after)).text; got != want {
			t.Errorf("after %v: %q, want %q", after, got, want)
		}
	}
	i.Wait = &control.Wait{Text: "waits for a check"}
	if got := why(i, now).text; got != "startup (waits for a check)" {
		t.Errorf("%q", got)
	}
}

// TestColour requires that colours change nothing else in the output.
func TestColour(t *testing.T) {
	var plain, coloured bytes.Buffer
	s := statusOf(t, "pulled")
	if err := render(&plain, s, now, look{width: pageWidth}); err != nil {
		t.Fatal(err)
	}
	if err := render(&coloured, s, now, look{true, pageWidth}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(coloured.String(), "\x1b[31mfault\x1b[0m") {
		t.Errorf("fault is not red:\n%q", coloured.String())
	}
	stripped := coloured.String()
	for _, c := range []colour{red, green, yellow, bold} {
		stripped = strings.ReplaceAll(stripped, "\x1b["+string(c)+"m", "")
	}
	stripped = strings.ReplaceAll(stripped, "\x1b[0m", "")
	if diff := cmp.Diff(plain.String(), stripped); diff != "" {
		t.Error(diff)
	}
}

// TestNoColourInAFile requires colours only on a terminal, and not with NO_COLOR.
func TestNoColourInAFile(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "")
	if colours(file) || colours(&bytes.Buffer{}) {
		t.Error("colours without a terminal")
	}
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no pseudo-terminal to try it on: %v", err)
	}
	defer terminal.Close()
	if !colours(terminal) {
		t.Error("no colours on a terminal")
	}
	t.Setenv("NO_COLOR", "1")
	if colours(terminal) {
		t.Error("colours in spite of NO_COLOR")
	}
	t.Setenv("NO_COLOR", "")
	t.Setenv("TERM", "dumb")
	if colours(terminal) {
		t.Error("colours on a dumb terminal")
	}
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second:                        "0s",
		999 * time.Millisecond:              "0s",
		59 * time.Second:                    "59s",
		time.Minute:                         "1m0s",
		time.Hour - time.Second:             "59m59s",
		time.Hour:                           "1h0m",
		24*time.Hour - time.Second:          "23h59m",
		26 * time.Hour:                      "1d2h",
		400*24*time.Hour + 23*time.Hour + 1: "400d23h",
	} {
		if got := span(d); got != want {
			t.Errorf("span(%v) = %s, want %s", d, got, want)
		}
	}
}

// TestFaultWithAnEnd requires that a fault with a known end is printed without its age.
func TestFaultWithAnEnd(t *testing.T) {
	began := time.Unix(1000, 0)
	until := began.Add(35 * time.Second)
	s := control.Status{Instances: []control.Instance{{Name: "inside", Faults: []control.Fault{
		{Text: "eth0 has to prove that its segment forwards, until 12:00:35 UTC at the latest", Since: &began, Until: &until},
		{Text: "its adverts cannot be sent", Since: &began},
	}}}}
	notes := faults(&s, began.Add(time.Second))
	if notes[0].age != "" || notes[1].age != " (for 1s)" {
		t.Errorf("%+v", notes)
	}
}
