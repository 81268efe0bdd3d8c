// Package files reads the files that a configuration includes, and makes one tree of them.
package files

import (
	"errors"
	"io/fs"
	"os"
)

// MaxSize is the size of the largest file that is read, in bytes: room for twenty thousand
// instances.
const MaxSize = 4 << 20

// OpenRegular opens a file on disk, and nothing that could block.
func OpenRegular(path string) (*os.File, fs.FileInfo, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, nil, err
	case !info.Mode().IsRegular():
		return nil, nil, errors.New(path + " is not a file")
	}
	file, err := os.Open(path)
	return file, info, err
}
