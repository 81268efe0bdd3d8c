package simulate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"ripcord/pkg/config/schema"
)

const (
	width       = 72  // of the picture, without the names
	maxLogLines = 200 // lines of the log
	maxTicks    = 7   // of the axis
)

// marks are the characters of the states in the picture.
var marks = map[string]rune{"active": '█', "backup": '─', "fault": '▒', "initialize": '·', "paused": '~', "off": ' '}

const (
	nobody = '×'
	two    = '!'
	serves = '━'
)

// Text returns the result as text: the picture, the acts and the logs in order, and the outages
// and splits.
func (r *Result) Text() string {
	t := text{Result: r}
	for _, l := range r.Groups {
		t.first, t.second = max(t.first, runes(l.Router)), max(t.second, runes(l.Group))
	}
	for i := range r.Services {
		s := &r.Services[i]
		t.first, t.second = max(t.first, runes(s.Segment)), max(t.second, runes(s.title()))
	}
	t.list("Mistakes in the configurations", r.Advice)
	t.list("Note", r.Notes)
	t.picture()
	t.story()
	t.figures()
	t.WriteString("\n" + r.verdict() + "\n")
	return t.String()
}

// text is the text while it is written.
type text struct {
	*Result
	strings.Builder
	first, second int // the widths of the two columns of names
}

func (t *text) list(title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(t, "%s:\n", title)
	for _, line := range lines {
		fmt.Fprintf(t, "  - %s\n", line)
	}
	t.WriteString("\n")
}

// cell returns the column of an instant.
func (t *text) cell(at time.Duration) int { return min(int(int64(at)*width/int64(t.Length)), width-1) }

// lane writes a line of the picture.
func (t *text) lane(first, second string, cells []rune) {
	fmt.Fprintf(t, "%s  %s  %s\n", pad(first, t.first), pad(second, t.second), strings.TrimRight(string(cells), " "))
}

// picture writes the picture with its axis and legend.
func (t *text) picture() {
	axis, line := append(blank(), blank()...), blank()
	for _, at := range ticks(t.Length, maxTicks) {
		put(axis, t.cell(at), schema.Short(at))
		line[t.cell(at)] = '╷'
	}
	t.lane("", "", axis)
	for i, a := range t.Acts {
		put(line, unmarked(line, t.cell(a.At)), number(i))
	}
	t.lane("", "", line)
	for _, l := range t.Groups {
		cells := blank()
		for _, s := range l.States {
			for c := t.cell(s.From); c <= t.cell(s.To-1); c++ {
				cells[c] = marks[s.State]
			}
		}
		t.lane(l.Router, l.Group, cells)
	}
	for i := range t.Services {
		t.lane(t.Services[i].Segment, t.Services[i].title(), t.served(&t.Services[i]))
	}
	t.WriteString("\n" + strings.Repeat(" ", t.first+t.second+4) + "█ active  ─ backup  ▒ fault  · initialize  ~ paused  × no router serves  ! two routers serve\n")
}

// served returns the lane of a service: who serves, overlaid by outages and splits.
func (t *text) served(s *Service) []rune {
	cells := blank()
	for _, v := range s.Served {
		if len(v.Routers) > 0 {
			fill(cells, t.cell(v.From), t.cell(v.To-1), serves)
		}
	}
	for _, o := range s.Outages {
		fill(cells, t.cell(o.From), t.cell(o.To-1), nobody)
	}
	for _, o := range s.Splits {
		fill(cells, t.cell(o.From), t.cell(o.To-1), two)
	}
	last := ""
	for _, v := range s.Served {
		if len(v.Routers) == 0 {
			last = ""
			continue
		}
		if v.Routers[0] == last {
			continue
		}
		last = v.Routers[0]
		from, to := t.cell(v.From), t.cell(v.To-1)
		for from < to && cells[from] != serves {
			from++
		}
		t.name(cells[from:], last)
	}
	return cells
}

// name writes the name of the router into the cells of a period, up to the first cell that shows
// something else.
func (t *text) name(cells []rune, router string) {
	for i, r := range []rune(router) {
		if i == len(cells) || cells[i] != serves {
			return
		}
		cells[i] = r
	}
}

// story writes the acts and the lines of the logs in the order of time.
func (t *text) story() {
	t.WriteString("\n")
	lines, next := 0, 0
	for i, a := range t.Acts {
		for ; next < len(t.Log) && t.Log[next].At < a.At; next++ {
			lines += t.logLine(t.Log[next], lines)
		}
		fmt.Fprintf(t, "%12s  %s  %s\n", instant(a.At), number(i), a.Text)
	}
	for ; next < len(t.Log); next++ {
		lines += t.logLine(t.Log[next], lines)
	}
	if left := lines - maxLogLines + t.Lost; left > 0 {
		fmt.Fprintf(t, "%12s  … and %d more lines of the logs\n", "", left)
	}
}

// logLine writes a line of a log, unless the limit is reached or the line of its group says the
// same. It returns the number of lines that count, written or not.
func (t *text) logLine(l Line, lines int) int {
	if l.group != "" {
		return 0
	}
	if lines < maxLogLines {
		fmt.Fprintf(t, "%12s     %s  %s\n", instant(l.At), pad(l.Router, t.first), l.Message)
	}
	return 1
}

// figures writes the outages and splits.
func (t *text) figures() {
	var outages, splits []figure
	for i := range t.Services {
		s := &t.Services[i]
		for _, o := range s.Outages {
			outages = append(outages, figure{o.From, o.Long(), s, o.between()})
		}
		for _, d := range s.Splits {
			splits = append(splits, figure{d.From, d.Long(), s, listed(d.Routers)})
		}
	}
	t.listFigures("Outages", outages)
	t.listFigures("Two Actives", splits)
}

// figure is an outage or split in a list.
type figure struct {
	from, long time.Duration
	of         *Service
	who        string
}

// listFigures writes a list of figures in the order of time.
func (t *text) listFigures(title string, all []figure) {
	if len(all) == 0 {
		return
	}
	slices.SortStableFunc(all, func(a, b figure) int { return cmp.Compare(a.from, b.from) })
	fmt.Fprintf(t, "\n%s:\n", title)
	for _, f := range all {
		fmt.Fprintf(t, "  %9s  from %s  %s on %s: %s\n", written(f.long), instant(f.from), f.of.title(), f.of.Segment, f.who)
	}
}

// between returns who served before and after an outage.
func (o Outage) between() string {
	before, after := o.Before, o.After
	if before == "" {
		before = "no router"
	}
	if after == "" {
		after = "no router until the end"
	}
	return before + ", then " + after
}

// number returns the sign of an act.
func number(i int) string {
	const signs = "123456789abcdefghijklmnopqrstuvwxyz"
	return string(signs[i%len(signs)])
}

func blank() []rune { return []rune(strings.Repeat(" ", width)) }

// put writes a word into cells, and cuts it at their end.
func put(cells []rune, at int, word string) {
	for _, r := range word {
		if at >= len(cells) {
			return
		}
		cells[at] = r
		at++
	}
}

// unmarked returns the first cell at or after a position in which no act is marked.
func unmarked(cells []rune, at int) int {
	for c := at; c < len(cells); c++ {
		if cells[c] == ' ' || cells[c] == '╷' {
			return c
		}
	}
	return at
}

func fill(cells []rune, from, to int, with rune) {
	for c := from; c <= max(from, to); c++ {
		cells[c] = with
	}
}

func pad(word string, to int) string {
	return word + strings.Repeat(" ", max(to-runes(word), 0))
}

func runes(word string) int { return utf8.RuneCountInString(word) }
