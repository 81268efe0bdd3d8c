package vm

import (
	"bufio"
	"encoding/json"
	"os"
	"strings"
	"time"
)

// line is a line of the log, with the time when the test read it.
type line struct {
	at        time.Time
	Time      time.Time `json:"ts"` // by the guest's clock
	Event     string    `json:"event"`
	Msg       string    `json:"msg"`
	Interface string    `json:"interface"`
	Source    string    `json:"source"`
	Instance  string    `json:"instance"`
	Group     string    `json:"group"`
	From      string    `json:"from"`
	To        string    `json:"to"`
	Reason    string    `json:"reason"`
	Why       string    `json:"why"`
	Monitor   string    `json:"monitor"`
	ElapsedUS *int64    `json:"elapsed_us"`
	Name      string    `json:"name"`
	CPU       int64     `json:"cpu_us"`
	RSS       int64     `json:"rss_kib"`
}

// read records the console until the guest ends.
func (g *guest) read(console *os.File) {
	in := bufio.NewScanner(console)
	for in.Scan() {
		l := line{at: time.Now()}
		text := strings.TrimSpace(in.Text())
		g.mu.Lock()
		g.text = append(g.text, text)
		if json.Unmarshal([]byte(text), &l) == nil {
			g.lines = append(g.lines, l)
		}
		close(g.more)
		g.more = make(chan struct{})
		g.mu.Unlock()
	}
}

// find returns the first matching line since an instant, and a channel that is closed when there
// are more lines.
func (g *guest) find(since time.Time, want func(line) bool) (line, bool, <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, l := range g.lines {
		if l.at.After(since) && want(l) {
			return l, true, nil
		}
	}
	return line{}, false, g.more
}

// look waits for a matching line.
func (g *guest) look(since time.Time, within time.Duration, want func(line) bool) (line, bool) {
	end := time.NewTimer(within)
	defer end.Stop()
	for {
		l, ok, more := g.find(since, want)
		if ok {
			return l, true
		}
		select {
		case <-more:
		case <-g.exited:
			return line{}, false
		case <-end.C:
			return line{}, false
		}
	}
}

// wait waits for a matching line, and fails the test without it.
func (g *guest) wait(since time.Time, within time.Duration, what string, want func(line) bool) line {
	g.t.Helper()
	l, ok := g.look(since, within, want)
	if !ok {
		g.t.Fatalf("%s: no %s within %v%s", g.name, what, within, g.gone())
	}
	return l
}
