package daemon

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"ripcord/pkg/adopt"
)

// A daemon that was killed leaves files in the run directory. Its successor uses them, unless the
// network namespace is gone, as after each test or container that was killed: nobody starts in it
// any more. No process may look which namespaces exist, so a daemon removes, for all namespaces, the
// files that no successor could use any more. It keeps records of changed settings and addresses,
// which ripcord clean in that namespace needs.
const (
	sweepEvery = time.Hour
	// unusedFor is how long a record must not have been written. A successor adopts groups for at most
	// half of three intervals of 40 s.
	unusedFor = time.Hour
)

// sweep removes unused files from dir until ctx ends.
func sweep(dir string) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		return each(ctx, sweepEvery, func() { _ = sweepOnce(dir, time.Now()) }) // what stays is tried again
	}
}

// sweepOnce removes the files in dir that no daemon can use any more, at the instant now. It leaves
// those of daemons that run.
func sweepOnce(dir string, now time.Time) error {
	all, err := filepath.Glob(filepath.Join(dir, namespaceFiles+"*"))
	if err != nil {
		return err
	}
	spaces := make(map[string][]string) // the files of each namespace, by its prefix
	for _, path := range all {
		space, _, _ := strings.Cut(filepath.Base(path), ".")
		spaces[space] = append(spaces[space], path)
	}
	var errs []error
	for space, files := range spaces {
		var unused []string
		for _, path := range files {
			if isUnused(path, now) {
				unused = append(unused, path)
			}
		}
		if len(unused) > 0 {
			errs = append(errs, removeUnused(filepath.Join(dir, space+".lock"), unused))
		}
	}
	return errors.Join(errs...)
}

// removeUnused removes files of a network namespace while it holds the lock of the namespace. If a
// daemon holds the lock, the files stay.
func removeUnused(lock string, files []string) error {
	l := &Lock{path: lock}
	if err := l.take(); err != nil {
		if errors.Is(err, ErrRunning) {
			return nil
		}
		return err
	}
	var errs []error
	for _, path := range files {
		if path != lock { // Close removes it
			errs = append(errs, os.Remove(path))
		}
	}
	return errors.Join(append(errs, l.Close())...)
}

// isUnused reports whether no successor of the daemon that wrote a file could use it.
func isUnused(path string, now time.Time) bool {
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	old := now.Sub(info.ModTime()) > unusedFor
	switch filepath.Ext(path) {
	case ".lock", ".new":
		return old
	case ".adverts": // writing to the mapped file does not change its time
		written, err := adopt.LastWritten(path)
		if err != nil {
			return old && !errors.Is(err, fs.ErrPermission)
		}
		return old && now.Sub(written) > unusedFor
	case ".released":
		released, err := readReleases(path, now)
		return err == nil && len(released.all) == 0
	}
	return false
}
