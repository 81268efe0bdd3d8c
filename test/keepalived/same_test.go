package keepalived

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"ripcord/test/netns"
)

// seen is what an observer saw of keepalived and of ripcord with a file, and ripcord's log.
type seen struct {
	file
	theirs, ours []string
	log          string
}

// TestSameFile starts keepalived and ripcord from each file, each on a LAN of its own, and
// compares what was seen. Where they differ without a reason they are started once more, with
// fewer beside them; both stories are shown, and the second one counts.
func TestSameFile(t *testing.T) {
	netns.NeedRoot(t)
	wanted := regexp.MustCompile(*chosen)
	all := watch(t, "seen", slices.DeleteFunc(slices.Clone(files), func(f file) bool { return !wanted.MatchString(f.name) }))
	var differ []file
	for _, s := range all {
		if wrong := s.wrong(); len(wrong) > 0 {
			t.Logf("%s: at first they differed:\n%s\nripcord logged:\n%s", s.name, strings.Join(wrong, "\n"), s.log)
			differ = append(differ, s.file)
		}
	}
	again := watch(t, "seen again", differ)
	for _, s := range all {
		t.Run(s.name, func(t *testing.T) {
			if i := slices.IndexFunc(again, func(other seen) bool { return other.name == s.name }); i >= 0 {
				s = again[i]
			}
			if wrong := s.wrong(); len(wrong) > 0 {
				t.Errorf("keepalived (-) and ripcord (+) differ:\n%s\nripcord logged:\n%s", strings.Join(wrong, "\n"), s.log)
			}
		})
	}
}

// watch starts both from each file, all at once.
func watch(t *testing.T, title string, files []file) []seen {
	all := make([]seen, len(files))
	t.Run(title, func(t *testing.T) {
		for i, f := range files {
			f.interval, f.routers = max(f.interval, time.Second), max(f.routers, 1)
			s := &all[i]
			s.file = f
			t.Run(f.name+" "+string(keepalived), func(t *testing.T) {
				t.Parallel()
				s.theirs, _ = observe(t, f, keepalived)
			})
			t.Run(f.name+" "+string(ripcord), func(t *testing.T) {
				t.Parallel()
				s.ours, s.log = observe(t, f, ripcord)
			})
		}
	})
	return all
}

// wrong lists the differences without a reason, and the reasons without a difference.
func (s seen) wrong() (wrong []string) {
	if len(s.theirs) == 0 || len(s.ours) == 0 {
		return []string{"nothing was seen of one of them"}
	}
	theirs, ours := likened(s.theirs), likened(s.ours)
	differs := slices.Concat(s.differs, s.older)
	if !strings.HasPrefix(version(), "2.2.") {
		differs = slices.Concat(s.differs, s.newer)
	}
	used := make([]bool, len(differs))
	for _, line := range append(marked("-", without(theirs, ours)), marked("+", without(ours, theirs))...) {
		explained := slices.ContainsFunc(s.perhaps, func(d difference) bool { return d.explains(line) })
		for i, d := range differs {
			if d.explains(line) {
				explained, used[i] = true, true
			}
		}
		if !explained {
			wrong = append(wrong, line)
		}
	}
	for i, d := range differs {
		if !used[i] {
			wrong = append(wrong, fmt.Sprintf("they do not differ any more in %s (%s): remove the line", d.lines, d.reason))
		}
	}
	return wrong
}

func (d difference) explains(line string) bool { return regexp.MustCompile(d.lines).MatchString(line) }

// likened are lines without the parts that differ by design.
func likened(lines []string) []string {
	lines = slices.Clone(lines)
	for i := range lines {
		for _, a := range alike {
			lines[i] = regexp.MustCompile(a.part).ReplaceAllString(lines[i], "$1")
		}
	}
	return lines
}

func marked(mark string, lines []string) (list []string) {
	for _, line := range lines {
		list = append(list, mark+line)
	}
	return list
}
