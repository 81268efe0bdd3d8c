package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"ripcord/pkg/config/files"
)

// readFile reads a configuration file, but not an endless one such as /dev/zero.
func readFile(path string) ([]byte, fs.FileInfo, error) {
	// A FIFO without a writer must not block a reload; with one, as that of a shell's <(…), the
	// read waits for its end.
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil, fmt.Errorf("no configuration: %w", err)
	case errors.Is(err, fs.ErrPermission):
		return nil, nil, fmt.Errorf("read the configuration: %w; user %d has to be able to read it: give it to a group of that user (chgrp, chmod g+r)", err, os.Geteuid())
	case err != nil:
		return nil, nil, fmt.Errorf("read the configuration: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, nil, fmt.Errorf("read the configuration: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(file, files.MaxSize+1))
	if err != nil {
		return nil, nil, fmt.Errorf("read the configuration: %w", err)
	}
	if len(text) > files.MaxSize {
		return nil, nil, fmt.Errorf("read the configuration: %s is larger than %d MiB, the maximum: is it the right file?", path, files.MaxSize>>20)
	}
	return text, info, nil
}

// keepalivedPath is the usual path of keepalived's configuration.
const keepalivedPath = "/etc/keepalived/keepalived.conf"

// instead returns a hint at another file that exists, if the usual one does not.
func instead(missing, other string) string {
	if info, err := os.Stat(other); missing != Path || err != nil || !info.Mode().IsRegular() {
		return ""
	}
	return ", as " + other + ", which runs as it is"
}
