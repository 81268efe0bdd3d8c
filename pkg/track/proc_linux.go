package track

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"ripcord/pkg/procfs"
)

// proc is a directory of all processes: /proc, or one that another process has opened.
type proc struct {
	path string
	file *os.File // if path is that of its descriptor; nil: it is /proc
}

// errHidden is the error of a /proc that does not show all processes.
var errHidden = errors.New("the processes of other users cannot be seen: /proc is mounted with hidepid, or not at all")

// openProc returns /proc, or the directory that all opens if /proc hides processes.
func openProc(ctx context.Context, all Processes) (*proc, error) {
	own := &proc{path: "/proc"}
	if own.showsAll() {
		return own, nil
	}
	if all == nil {
		return nil, errHidden
	}
	file, err := all(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w, and ripcord runner opens no other: %w", errHidden, err)
	}
	return &proc{fmt.Sprintf("/proc/self/fd/%d", file.Fd()), file}, nil
}

func (p *proc) close() {
	if p.file != nil {
		_ = p.file.Close()
	}
}

// showsAll reports whether the processes of all users are visible: process 1 is root's.
func (p *proc) showsAll() bool {
	_, err := os.Stat(p.path + "/1/stat")
	return err == nil
}

// list returns the numbers of all processes.
func (p *proc) list() ([]int, error) {
	if !p.showsAll() { // it may have been mounted with another hidepid meanwhile
		return nil, errHidden
	}
	return procfs.PIDs(p.path)
}

// read returns the name of the program that a process runs; with more, also argv[0] and the program
// file. alive is false if the process has ended, also if it is a zombie.
func (p *proc) read(pid int, more bool) (runs program, alive bool) {
	stat, err := procfs.ReadStat(p.path, pid)
	if err != nil || stat.Ended() {
		return runs, false
	}
	runs.comm = stat.Name
	if more {
		dir := fmt.Sprintf("%s/%d/", p.path, pid)
		if line, err := os.ReadFile(dir + "cmdline"); err == nil {
			argv0, _, _ := bytes.Cut(line, []byte{0})
			runs.argv0 = string(argv0)
		}
		if exe, err := os.Readlink(dir + "exe"); err == nil {
			runs.exe = strings.TrimSuffix(exe, " (deleted)") // it was upgraded meanwhile
		}
	}
	return runs, true
}
