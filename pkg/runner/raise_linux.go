package runner

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"

	"ripcord/pkg/thread"
)

// raise gives a thread of a process a priority. One of its threads may run in real time: the others
// cannot block the machine.
func raise(pid, tid int, p thread.Priority) error {
	if pid == 0 {
		return errors.New("the runner does not know which process asks: start it separately, with --socket")
	}
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(threads, func(e os.DirEntry) bool { return e.Name() == strconv.Itoa(tid) }) {
		return fmt.Errorf("process %d has no thread %d", pid, tid)
	}
	for _, entry := range threads {
		if other, _ := strconv.Atoi(entry.Name()); other != tid && p == thread.RealTime && thread.InRealTime(other) {
			return fmt.Errorf("thread %d of process %d runs in real time already", other, pid)
		}
	}
	return p.Give(tid)
}
