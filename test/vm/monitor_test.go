package vm

import (
	"encoding/json"
	"time"
)

// greet reads QEMU's greeting and prepares the monitor for commands.
func (g *guest) greet() {
	g.t.Helper()
	g.execute(`{"execute":"qmp_capabilities"}`)
}

// execute sends the monitor a command and waits until it is executed.
func (g *guest) execute(command string) {
	g.t.Helper()
	_ = g.monitor.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := g.monitor.WriteString(command + "\n"); err != nil {
		g.t.Fatalf("%s: command to the monitor: %v%s", g.name, err, g.gone())
	}
	for {
		var answer struct {
			Return *json.RawMessage `json:"return"`
			Error  *struct{ Desc string }
		}
		if err := g.answers.Decode(&answer); err != nil {
			g.t.Fatalf("%s: the monitor's answer: %v%s", g.name, err, g.gone())
		}
		switch {
		case answer.Error != nil:
			g.t.Fatalf("%s: %s: %s", g.name, command, answer.Error.Desc)
		case answer.Return != nil:
			return
		} // otherwise its greeting, or an event of QEMU
	}
}
