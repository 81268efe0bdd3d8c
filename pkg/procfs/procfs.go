// Package procfs reads which processes exist from a directory in the form of /proc (proc(5)).
package procfs

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
)

// Root is the directory of the processes of this process's own namespace.
const Root = "/proc"

// PIDs returns the numbers of all processes in the directory.
func PIDs(directory string) ([]int, error) {
	opened, err := os.Open(directory)
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	names, err := opened.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// Stat is the status of a process.
type Stat struct {
	Name  string // of its program, as the kernel keeps it
	State byte   // one letter
	rest  []byte // the fields behind the state
}

// ReadStat reads the status of a process.
func ReadStat(directory string, pid int) (Stat, error) {
	text, err := os.ReadFile(fmt.Sprintf("%s/%d/stat", directory, pid))
	if err != nil {
		return Stat{}, err
	}
	return parseStat(text)
}

var errStat = errors.New("it is not the status of a process")

// parseStat parses PID (NAME) STATE PPID PGRP SESSION …. The name may contain anything, even
// parentheses.
func parseStat(text []byte) (Stat, error) {
	begin, end := bytes.IndexByte(text, '('), bytes.LastIndexByte(text, ')')
	if begin < 0 || end < begin || len(text) < end+3 {
		return Stat{}, errStat
	}
	return Stat{Name: string(text[begin+1 : end]), State: text[end+2], rest: text[end+3:]}, nil
}

// Ended reports whether the process has ended; it may be a zombie.
func (s Stat) Ended() bool { return s.State == 'Z' || s.State == 'X' }

// Session returns the session of the process.
func (s Stat) Session() (int, error) {
	fields := bytes.Fields(s.rest)
	if len(fields) < 3 {
		return 0, errStat
	}
	return strconv.Atoi(string(fields[2]))
}
