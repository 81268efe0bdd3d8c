package bench

import (
	"cmp"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// figure is a row of the table.
type figure struct {
	number  int // in the list of what is to be reached
	what    string
	unit    string
	of      int // samples of each
	ours    float64
	theirs  float64 // NaN: keepalived has nothing of the kind
	targets []target
}

// target is what a figure of ours may be at most.
type target struct {
	text  string
	limit float64
}

// times is a target beside keepalived's figure.
func times(text string, factor, theirs float64) target {
	return target{text + " of keepalived's", factor * theirs}
}

// under is a target of its own.
func under(text string, limit float64) target { return target{text, limit} }

func (f figure) met() bool {
	return !slices.ContainsFunc(f.targets, func(t target) bool { return f.ours > t.limit })
}

// section is what stands below the table about a row: how it is defined, and
// what keeps it from its target, if anything does.
type section struct {
	number           int
	definition, note string
}

// results gathers figures and becomes RESULTS.md. It may be used by all tests.
type results struct {
	mu       sync.Mutex
	began    time.Time
	load     string // of the machine, at the start
	figures  []figure
	sections []section
	alone    string // the part about ripcord alone
}

func (r *results) begin() { r.began, r.load = time.Now(), loadAverage() }

// define adds the definition of a row's figures. The note is printed where
// one of them misses its target.
func (r *results) define(number int, definition, note string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sections = append(r.sections, section{number, definition, note})
}

func (r *results) add(list ...figure) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.figures = append(r.figures, list...)
}

// write writes what there is so far to a file, so that a run that is broken off
// leaves what it has measured, and returns it.
func (r *results) write(path string) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.figures) == 0 && r.alone == "" {
		return "", nil // nothing ran, or nothing ran to its end
	}
	text := r.markdown()
	if path == "" {
		return text, nil
	}
	return text, os.WriteFile(path, []byte(text), 0o644)
}

func (r *results) markdown() string {
	var b strings.Builder
	byNumber := func(x, y figure) int { return cmp.Compare(x.number, y.number) }
	slices.SortStableFunc(r.figures, byNumber)
	slices.SortStableFunc(r.sections, func(x, y section) int { return cmp.Compare(x.number, y.number) })
	b.WriteString("# ripcord and keepalived, measured side by side\n\n")
	b.WriteString("`make bench` writes this page; the program is `test/bench`. Both daemons run on the same kind of LAN of network\nnamespaces, with the same configuration and the same observer, in turn within one run. They use their defaults\nunless the text says otherwise.\n\n")
	r.head(&b)
	b.WriteString("| # | figure | ripcord | keepalived | ratio | target: at most | met |\n| ---: | --- | ---: | ---: | ---: | --- | --- |\n")
	for _, f := range r.figures {
		b.WriteString(f.row())
	}
	b.WriteString("\n## What the figures mean\n\nWith fewer than 100 samples, p99 is the highest of them.\n")
	for _, s := range r.sections {
		fmt.Fprintf(&b, "\n**%d.** %s\n", s.number, s.definition)
		if missed := r.missed(s.number); missed != "" {
			fmt.Fprintf(&b, "*Not met:* %s. %s\n", missed, s.note)
		}
	}
	b.WriteString(r.alone)
	return b.String()
}

func (r *results) head(b *strings.Builder) {
	var uts unix.Utsname
	_ = unix.Uname(&uts)
	fmt.Fprintf(b, "| | |\n| --- | --- |\n")
	fmt.Fprintf(b, "| date | %s, %v long |\n", r.began.UTC().Format("2006-01-02 15:04 MST"), time.Since(r.began).Round(time.Second))
	fmt.Fprintf(b, "| machine | %s, %d CPUs, %s |\n", procField("/proc/cpuinfo", "model name"), runtime.NumCPU(), procField("/proc/meminfo", "MemTotal"))
	fmt.Fprintf(b, "| kernel | Linux %s |\n", unix.ByteSliceToString(uts.Release[:]))
	for _, m := range makers {
		fmt.Fprintf(b, "| %s | %s |\n", m.name(), m.version())
	}
	fmt.Fprintf(b, "| size | %s%s |\n", *sizeName, map[string]string{
		"smoke": ": the figures are meaningless",
		"short": ": fewer repetitions and shorter windows than with `make bench`",
	}[*sizeName])
	fmt.Fprintf(b, "| load of the machine | %s at the start (1, 5 and 15 minutes), %s at the end |\n\n", r.load, loadAverage())
}

func (f figure) row() string {
	ratio := "–"
	if f.theirs != 0 && !math.IsNaN(f.theirs) {
		ratio = fmt.Sprintf("%.3g×", f.ours/f.theirs)
	}
	var texts []string
	for _, t := range f.targets {
		texts = append(texts, t.text)
	}
	met := ""
	if len(f.targets) > 0 {
		met = map[bool]string{true: "yes", false: "**no**"}[f.met()]
	}
	what := f.what
	if f.of > 0 {
		what += fmt.Sprintf(" (of %d)", f.of)
	}
	return fmt.Sprintf("| %d | %s | %s | %s | %s | %s | %s |\n", f.number, what, f.value(f.ours), f.value(f.theirs), ratio, strings.Join(texts, "; "), met)
}

// value is a figure to three digits, or all that stand before the point.
func (f figure) value(v float64) string {
	if math.IsNaN(v) {
		return "–"
	}
	text := fmt.Sprintf("%.3g", v)
	if v >= 1000 || f.unit == "" {
		text = fmt.Sprintf("%.0f", v)
	}
	return strings.TrimSpace(text + " " + f.unit)
}

// missed returns by how much the figures of a row miss their targets.
func (r *results) missed(number int) string {
	var list []string
	for _, f := range r.figures {
		for _, t := range f.targets {
			if f.number == number && f.ours > t.limit {
				list = append(list, fmt.Sprintf("%s: %s, at most %s", f.what, f.value(f.ours), f.value(t.limit)))
			}
		}
	}
	return strings.Join(list, "; ")
}

func loadAverage() string {
	text, _ := os.ReadFile("/proc/loadavg")
	return strings.Join(strings.Fields(string(text) + " ? ? ?")[:3], " ")
}

func procField(path, key string) string {
	text, _ := os.ReadFile(path)
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == key {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}
