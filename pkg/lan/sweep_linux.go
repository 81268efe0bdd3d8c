package lan

import (
	"fmt"
	"os"
	"strconv"
)

// sweep kills every process in the namespace, until none is left. The caller
// holds the namespace: else its number could be another's by now. The thread's Pdeathsig reaches only the children; this reaches
// their children too, and waits. A process is gone when it is a zombie: to
// reap it is its parent's business.
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
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0, err
	}
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		if namespaceOf(pid) == id {
			left++
			kill(pid, id)
		}
	}
	return left, nil
}

// kill holds on to the process before it looks at it again, so that a reused
// PID is never hit.
func kill(pid int, id string) {
	process, err := os.FindProcess(pid)
	if err != nil {
		return
	}
	defer process.Release()
	if namespaceOf(pid) == id {
		_ = process.Kill() // the next round sees whether it helped
	}
}

func namespaceOf(pid int) string {
	id, _ := os.Readlink("/proc/" + strconv.Itoa(pid) + "/ns/net")
	return id // empty for a zombie, and for one that is gone
}
