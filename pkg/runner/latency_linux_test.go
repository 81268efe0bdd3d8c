package runner

import (
	"testing"
	"time"

	"ripcord/pkg/command"
)

// BenchmarkRun measures a program from the request to its end, as a child of this process and by a
// runner.
func BenchmarkRun(b *testing.B) {
	program := Program{command.ID{Kind: command.ForCheck, Name: "true"}, command.Command{Argv: []string{"/bin/true"}, Timeout: time.Minute}}
	request := command.Request{ID: program.ID, Command: program.Command}
	table := NewTable([]Program{program}, false)
	r := &rig{t: b, table: table, lines: make(chan string, 16), reports: make(chan Report, 16)}
	r.start()
	for _, c := range []struct {
		name string
		by   command.Runner
	}{{"child", command.Local{}}, {"runner", r.client}} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				c.by.Run(b.Context(), request, func(got command.Result) {
					if got.Err != nil {
						b.Fatal(got.Err)
					}
				})
			}
		})
	}
}
