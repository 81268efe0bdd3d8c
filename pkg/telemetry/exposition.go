package telemetry

import (
	"bufio"
	"fmt"
	"strconv"
	"strings"
)

// kind is the type of a metric in Prometheus.
type kind string

const (
	gauge     kind = "gauge"
	counter   kind = "counter"
	durations kind = "histogram"
	summary   kind = "summary"
)

// textFormat is the Content-Type of Prometheus' text format.
const textFormat = "text/plain; version=0.0.4; charset=utf-8"

// family is a metric: its description, in one line, and all its series.
type family struct {
	name, help string
	kind       kind
	series     func(*page, *scrape)
}

// page writes metrics in version 0.0.4 of Prometheus' text format, line by line as they are read. A
// thousand instances make 4 MiB of text. As a tree of client_golang's metrics, which has to be
// complete before the first is written, they would take 24 MiB.
type page struct {
	out       *bufio.Writer // remembers the first error
	of        *family       // the family that is being written
	described bool          // its HELP and TYPE are written
	line      []byte        // the last line, whose memory the next one reuses
}

// write writes a metric; nothing if it has no series now.
func (p *page) write(f *family, s *scrape) {
	p.of, p.described = f, false
	f.series(p, s)
}

// put writes a series. labels were written by label; more contains further names and values in
// turn.
func (p *page) put(v float64, labels string, more ...string) { p.sample("", v, labels, more...) }

// sample writes a series whose name is the metric's with a suffix.
func (p *page) sample(suffix string, v float64, labels string, more ...string) {
	b := p.line[:0]
	if !p.described {
		p.described = true
		b = fmt.Appendf(b, "# HELP %[1]s %[2]s\n# TYPE %[1]s %[3]s\n", p.of.name, p.of.help, p.of.kind)
	}
	b = append(append(b, p.of.name...), suffix...)
	if labels != "" || len(more) > 0 {
		b = append(label(append(append(b, '{'), labels...), more...), '}')
	}
	b = strconv.AppendFloat(append(b, ' '), v, 'g', -1, 64)
	p.line = append(b, '\n')
	_, _ = p.out.Write(p.line)
}

// quote escapes the value of a label.
var quote = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)

// label appends labels to those of b: names and values in turn.
func label(b []byte, more ...string) []byte {
	for ; len(more) > 1; more = more[2:] {
		if n := len(b); n > 0 && b[n-1] != '{' {
			b = append(b, ',')
		}
		b = append(append(append(b, more[0]...), `="`...), quote.Replace(more[1])...)
		b = append(b, '"')
	}
	return b
}
