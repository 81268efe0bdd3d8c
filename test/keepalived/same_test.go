package keepalived

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"ripcord/test/netns"
)

// TestSameFile starts keepalived and ripcord from each file, each on a LAN of its own, and
// compares what was seen.
func TestSameFile(t *testing.T) {
	netns.NeedRoot(t)
	wanted := regexp.MustCompile(*chosen)
	files := slices.DeleteFunc(slices.Clone(files), func(f file) bool { return !wanted.MatchString(f.name) })
	brands := []brand{keepalived, ripcord}
	seen := make([][2][]string, len(files))
	t.Run("seen", func(t *testing.T) {
		for i, f := range files {
			f.interval, f.routers = max(f.interval, time.Second), max(f.routers, 1)
			for n, b := range brands {
				t.Run(f.name+" "+string(b), func(t *testing.T) {
					t.Parallel()
					seen[i][n] = observe(t, f, b)
				})
			}
		}
	})
	for i, f := range files {
		t.Run(f.name, func(t *testing.T) { compare(t, f, seen[i][0], seen[i][1]) })
	}
}

// compare fails for each difference without a reason, and for each reason without a difference.
func compare(t *testing.T, f file, theirs, ours []string) {
	if len(theirs) == 0 || len(ours) == 0 {
		t.Fatal("nothing was seen of one of them")
	}
	theirs, ours = likened(theirs), likened(ours)
	var story []string
	used := make([]bool, len(f.differs))
	for _, line := range append(marked("-", without(theirs, ours)), marked("+", without(ours, theirs))...) {
		explained := false
		for i, d := range f.differs {
			if regexp.MustCompile(d.lines).MatchString(line) {
				explained, used[i] = true, true
			}
		}
		explained = explained || slices.ContainsFunc(f.perhaps, func(d difference) bool { return regexp.MustCompile(d.lines).MatchString(line) })
		if !explained {
			story = append(story, line)
		}
	}
	if len(story) > 0 {
		t.Errorf("keepalived (-) and ripcord (+) differ:\n%s", strings.Join(story, "\n"))
	}
	for i, d := range f.differs {
		if !used[i] {
			t.Errorf("they do not differ any more in %s (%s): remove the line", d.lines, d.reason)
		}
	}
}

// likened are lines without the parts that differ by design.
func likened(lines []string) []string {
	lines = slices.Clone(lines)
	for i := range lines {
		for _, a := range alike {
			lines[i] = regexp.MustCompile(a.part).ReplaceAllString(lines[i], "")
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
