package track

import (
	"context"
	"os"

	"ripcord/pkg/command"
)

// Processes returns a directory of all processes, in the form of /proc, for checks of processes if
// this process's own /proc hides those of other users. Its error is command.ErrLost if another
// attempt may succeed.
type Processes func(context.Context) (*os.File, error)

// machine holds what checks share: one inotify instance, one subscription to the processes of the
// machine, and the runner of their programs. Nothing is opened before a check needs it.
type machine struct {
	programs  command.Runner
	files     *fileWatcher
	processes *processTable
}

func newMachine(programs command.Runner, all Processes) *machine {
	return &machine{programs: programs, files: newFileWatcher(), processes: newProcessTable(all)}
}

// close closes what was opened. No prober is in use any more.
func (m *machine) close() {
	m.files.close()
	m.processes.close()
}
