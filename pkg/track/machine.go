package track

// machine is what checks of one kind share: one inotify instance, one subscription to
// the processes of the machine. Nothing is opened before a check needs it.
type machine struct {
	files     *fileWatcher
	processes *processTable
}

func newMachine() *machine {
	return &machine{files: newFileWatcher(), processes: newProcessTable()}
}

// close ends what was opened. No prober is in use any more.
func (m *machine) close() {
	m.files.close()
	m.processes.close()
}
