package lan

import (
	"fmt"
	"os"
	"strconv"

	"ripcord/pkg/procfs"
)

// sweep kills every process in the namespace until none is left. The caller holds the namespace
// open, since otherwise another one could get its number. The thread's Pdeathsig reaches only the
// children; sweep also kills their children, and waits. A zombie counts as gone: its parent has to
// reap it.
func sweep(n *Namespace) error {
	err := poll(closing, func() (bool, error) {
		left, err := killAll(n.id)
		return left == 0, err
	})
	if err != nil {
		return fmt.Errorf("namespace %s: kill the processes in it: %w", n.name, err)
	}
	return nil
}

func killAll(id string) (left int, err error) {
	pids, err := procfs.PIDs(procfs.Root)
	if err != nil {
		return 0, err
	}
	for _, pid := range pids {
		if pid == os.Getpid() {
			continue
		}
		if namespaceOf(pid) == id {
			left++
			kill(pid, id)
		}
	}
	return left, nil
}

// kill opens a handle of the process before it checks the namespace again, so that it never kills
// another process with a reused PID.
func kill(pid int, id string) {
	process, err := os.FindProcess(pid)
	if err != nil {
		return
	}
	defer process.Release()
	if namespaceOf(pid) == id {
		_ = process.Kill() // the next round checks whether it helped
	}
}

func namespaceOf(pid int) string {
	id, _ := os.Readlink("/proc/" + strconv.Itoa(pid) + "/ns/net")
	return id // empty for a zombie, or if the process is gone
}
