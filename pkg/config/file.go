package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// readFile reads a configuration file, but none without end, as /dev/zero is.
func readFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("no configuration: %w; write one there, or name another file with --config", err)
	case err != nil:
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	if len(text) > MaxSize {
		return nil, fmt.Errorf("read the configuration: %s is larger than %d MiB, the largest that is read: is it the right file?", path, MaxSize>>20)
	}
	return text, nil
}
