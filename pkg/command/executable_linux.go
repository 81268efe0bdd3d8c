package command

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// maxLinks is the number of symbolic links that are followed, as in the kernel (MAXSYMLINKS).
const maxLinks = 40

// CheckExecutable returns an error that describes why a program cannot or must not be run as u (nil: as
// the daemon's own user); otherwise it returns the absolute path of the program. The program is an
// absolute path, or a name in SearchPath.
//
// A program is refused if another user than root or u could replace it: if the file, a directory
// above it or a symbolic link on the way belongs to another user, or is writable by everybody, or
// by a group that is neither root's nor u's. A directory with the sticky bit (/tmp) may be
// writable, since only the owner of a file in it can replace that file. keepalived's
// enable_script_security does the same for programs that run as root. Access control lists are not
// examined, nor is the script if the program is an interpreter.
func CheckExecutable(program string, u *User) (path string, err error) {
	path, err = find(program)
	if err != nil {
		return "", err
	}
	w := walk{user: (&Command{User: u}).effective()}
	info, err := w.follow(path)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s is %s, not a program", path, FileKind(info.Mode()))
	}
	return path, w.permitted(path)
}

// CheckPermitted returns an error if u (nil: the daemon's own user) may not execute a program,
// whose path is absolute, or not search a directory above it, by their modes.
func CheckPermitted(path string, u *User) error {
	w := walk{user: (&Command{User: u}).effective()}
	return w.permitted(path)
}

// CheckSecure returns an error that names a user other than root and u who could replace a program,
// whose path is absolute.
func CheckSecure(path string, u *User) error {
	w := walk{user: (&Command{User: u}).effective()}
	_, err := w.follow(filepath.Clean(path))
	return err
}

// CheckOwned returns an error that names a user other than this process's and root who could change
// a file.
func CheckOwned(path string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	w := walk{user: (&Command{}).effective()}
	_, err = w.follow(path)
	return err
}

// find returns the absolute path of a program.
func find(program string) (string, error) {
	if filepath.IsAbs(program) {
		return filepath.Clean(program), nil
	}
	if strings.Contains(program, "/") {
		return "", fmt.Errorf("%s is a relative path: give the whole path", program)
	}
	for _, dir := range filepath.SplitList(SearchPath) {
		path := filepath.Join(dir, program)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return path, nil
		}
	}
	return "", fmt.Errorf("there is no program %s in %s: install it, or give the whole path", program, SearchPath)
}

// walk visits each component of a path, through symbolic links, as the kernel does.
type walk struct {
	user  *User
	links int
}

// follow checks each component of an absolute path and returns the file to which it leads.
func (w *walk) follow(path string) (os.FileInfo, error) {
	at := "/"
	rest := strings.Split(path[1:], "/")
	info, err := w.component(at)
	for err == nil && len(rest) > 0 {
		next := filepath.Join(at, rest[0])
		rest = rest[1:]
		if info, err = w.component(next); err != nil {
			break
		}
		if info.Mode()&os.ModeSymlink == 0 {
			at = next
			continue
		}
		if w.links++; w.links > maxLinks {
			return nil, fmt.Errorf("%s: too many symbolic links", path)
		}
		target, err := os.Readlink(next)
		if err != nil {
			return nil, err
		}
		if filepath.IsAbs(target) {
			at = "/"
		}
		rest = append(strings.Split(strings.Trim(target, "/"), "/"), rest...)
	}
	if err != nil {
		return nil, describe(path, err)
	}
	return info, nil
}

// describe returns the error of a component as a sentence.
func describe(path string, err error) error {
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("%s does not exist", path)
	case errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("%s does not exist: a directory of its path is a file", path)
	}
	return err
}

// component checks one component of a path.
func (w *walk) component(path string) (os.FileInfo, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	stat, mode := info.Sys().(*syscall.Stat_t), info.Mode()
	if stat.Uid != 0 && stat.Uid != w.user.UID {
		return nil, fmt.Errorf("%s belongs to user %s, who could change what user %s runs: chown it to root, or run the command as user %[2]s",
			path, userName(stat.Uid), userName(w.user.UID))
	}
	if mode&os.ModeSymlink != 0 || mode.IsDir() && mode&os.ModeSticky != 0 {
		return info, nil
	}
	switch {
	case mode&0o002 != 0:
		return nil, fmt.Errorf("%s is writable by everybody (mode %04o), who could change what user %s runs: chmod o-w it",
			path, stat.Mode&0o7777, userName(w.user.UID))
	case mode&0o020 != 0 && stat.Gid != 0 && stat.Gid != w.user.GID:
		return nil, fmt.Errorf("%s is writable by group %d (mode %04o), which could change what user %s runs: chmod g-w it",
			path, stat.Gid, stat.Mode&0o7777, userName(w.user.UID))
	}
	return info, nil
}

// permitted returns an error if the user may not execute a file, or not search a directory above
// it.
func (w *walk) permitted(path string) error {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return describe(path, err)
	}
	for at := real; ; at = filepath.Dir(at) {
		info, err := os.Stat(at)
		if err != nil {
			return describe(at, err)
		}
		stat := info.Sys().(*syscall.Stat_t)
		switch {
		case w.executable(stat) || at != real && w.user.UID == 0: // root searches any directory
		case at == real:
			return fmt.Errorf("%s is not executable by user %s (mode %04o): chmod +x it", path, userName(w.user.UID), stat.Mode&0o7777)
		default:
			return fmt.Errorf("%s is not executable by user %s, who may not search %s (mode %04o): chmod +x that directory", path, userName(w.user.UID), at, stat.Mode&0o7777)
		}
		if at == "/" {
			return nil
		}
	}
}

// executable reports whether the user may execute a file, by its mode.
func (w *walk) executable(stat *syscall.Stat_t) bool {
	switch {
	case w.user.UID == 0:
		return stat.Mode&0o111 != 0
	case stat.Uid == w.user.UID:
		return stat.Mode&0o100 != 0
	case stat.Gid == w.user.GID || slices.Contains(w.user.Groups, stat.Gid):
		return stat.Mode&0o010 != 0
	}
	return stat.Mode&0o001 != 0
}
