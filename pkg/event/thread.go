package event

import "fmt"

// Scheduling is the scheduling policy of a thread.
type Scheduling string

// The schedulings.
const (
	RealTime Scheduling = "real-time" // preferred to all ordinary threads
	Nice     Scheduling = "nice"      // an ordinary thread, preferred to others
	Ordinary Scheduling = "ordinary"
)

// EngineThread reports, once at the start, how the kernel schedules the thread that sends the
// adverts.
type EngineThread struct {
	Stamp
	Scheduling Scheduling
	Err        string // why it is not real-time; empty if it is
}

func (EngineThread) Name() string { return "engine.thread" }

func (EngineThread) Level() Level { return Info }

func (e EngineThread) Message() string {
	if e.Err == "" {
		return "adverts are sent in real time"
	}
	return fmt.Sprintf("adverts are not sent in real time, and may be late on a busy machine: "+
		"allow it with CAP_SYS_NICE (%s)", e.Err)
}

func (e EngineThread) Fields() []Field {
	fields := []Field{{"scheduling", string(e.Scheduling)}}
	if e.Err != "" {
		fields = append(fields, Field{"error", e.Err})
	}
	return fields
}
