package runner

import (
	"os"

	"golang.org/x/sys/unix"
)

// openProcesses returns a directory of all processes, in the form of /proc, for a daemon whose own
// /proc hides those of other users. It is a separate mount that is attached nowhere: it has only
// processes, cannot be written, and no path leads from it to the files that this process sees. From
// a descriptor of this process's /proc the path ".." would.
func openProcesses() (*os.File, error) {
	proc, err := unix.Fsopen("proc", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("fsopen", err)
	}
	defer func() { _ = unix.Close(proc) }()
	if err := unix.FsconfigSetString(proc, "subset", "pid"); err != nil {
		return nil, os.NewSyscallError("fsconfig", err)
	}
	if err := unix.FsconfigCreate(proc); err != nil {
		return nil, os.NewSyscallError("fsconfig", err)
	}
	const attributes = unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV | unix.MOUNT_ATTR_NOEXEC
	fd, err := unix.Fsmount(proc, unix.FSMOUNT_CLOEXEC, attributes)
	if err != nil {
		return nil, os.NewSyscallError("fsmount", err)
	}
	return os.NewFile(uintptr(fd), "proc"), nil
}
