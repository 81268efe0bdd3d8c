package track

import "ripcord/pkg/command"

// machine is what checks of one kind share: one inotify instance, one subscription to
// the processes of the machine; and who runs their programs. Nothing is opened before a check needs it.
type machine struct {
	programs  command.Runner
	files     *fileWatcher
	processes *processTable
}

func newMachine(programs command.Runner) *machine {
	return &machine{programs: programs, files: newFileWatcher(), processes: newProcessTable()}
}

// close ends what was opened. No prober is in use any more.
func (m *machine) close() {
	m.files.close()
	m.processes.close()
}
