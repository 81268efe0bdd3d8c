package vm

import (
	"bytes"
	"fmt"
	"strings"
)

// archive is an initramfs: an uncompressed cpio archive in the newc format (the kernel's
// Documentation/driver-api/early-userspace/buffer-format.rst).
type archive struct {
	bytes.Buffer
	inode int
}

// Types and permissions of an entry, as in st_mode.
const (
	folder     = 0o040755
	program    = 0o100755
	plain      = 0o100644
	charDevice = 0o020600
)

// entry adds a file; major and minor are those of a device, or 0.
func (a *archive) entry(name string, mode int, data []byte, major, minor int) {
	a.inode++
	fmt.Fprintf(a, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%s\x00",
		a.inode, mode, 0, 0, 1, 0, len(data), 0, 0, major, minor, len(name)+1, 0, name)
	a.pad()
	a.Write(data)
	a.pad()
}

// pad fills up to the next multiple of 4.
func (a *archive) pad() {
	for a.Len()%4 != 0 {
		a.WriteByte(0)
	}
}

// file is a file of a guest beside those that all guests have.
type file struct {
	name string
	data []byte
}

// initramfs returns what a guest boots: busybox, the modules and the order in which they are
// inserted, ripcord, its configuration, and the script that starts them.
func (p platform) initramfs(modules []module, more []file, init, config string) []byte {
	var a archive
	for _, dir := range []string{"bin", "dev", "etc", "lib", "lib64", "proc", "run", "sys", "tmp"} {
		a.entry(dir, folder, nil, 0, 0)
	}
	a.entry("dev/console", charDevice, nil, 5, 1)
	a.entry("bin/busybox", program, p.busybox, 0, 0)
	a.entry("bin/ripcord", program, p.ripcord, 0, 0)
	a.entry("bin/team", program, p.team, 0, 0)
	a.entry("bin/carrier", program, p.carrier, 0, 0)
	for _, f := range more {
		a.entry(f.name, program, f.data, 0, 0)
	}
	var list strings.Builder
	for _, m := range modules {
		a.entry("lib/"+m.name+".ko", plain, m.data, 0, 0)
		fmt.Fprintln(&list, m.name, m.parameters)
	}
	a.entry("lib/modules", plain, []byte(list.String()), 0, 0)
	a.entry("etc/ripcord.yaml", plain, []byte(config), 0, 0)
	a.entry("init", program, []byte(init), 0, 0)
	a.entry("TRAILER!!!", 0, nil, 0, 0)
	return a.Bytes()
}
