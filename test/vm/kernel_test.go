package vm

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// kernel is Debian's kernel, unpacked in a folder of the cache: the file vmlinux and the modules
// below modules/.
type kernel struct {
	dir     string
	modules map[string]string // files by module name, with _ for -
}

func openKernel(dir string) (kernel, error) {
	k := kernel{dir: dir, modules: make(map[string]string)}
	err := filepath.WalkDir(filepath.Join(dir, "modules"), func(file string, d fs.DirEntry, err error) error {
		if name, _, ok := strings.Cut(filepath.Base(file), ".ko"); ok && err == nil && !d.IsDir() {
			k.modules[underscored(name)] = file
		}
		return err
	})
	return k, err
}

func underscored(name string) string { return strings.ReplaceAll(name, "-", "_") }

// module is a module to insert.
type module struct {
	name, parameters string
	data             []byte
}

// load returns the modules of these names, which may be followed by parameters, and all their
// dependencies, in the order in which they are inserted.
func (k kernel) load(names ...string) ([]module, error) {
	var list []module
	for _, name := range names {
		name, parameters, _ := strings.Cut(name, " ")
		if err := k.add(&list, underscored(name)); err != nil {
			return nil, err
		}
		if i := slices.IndexFunc(list, named(underscored(name))); parameters != "" {
			list[i].parameters = parameters
		}
	}
	return list, nil
}

func named(name string) func(module) bool {
	return func(m module) bool { return m.name == name }
}

func (k kernel) add(list *[]module, name string) error {
	if slices.ContainsFunc(*list, named(name)) {
		return nil
	}
	file, ok := k.modules[name]
	if !ok {
		return fmt.Errorf("the kernel has no module %s", name)
	}
	data, err := os.ReadFile(file)
	if err == nil && strings.HasSuffix(file, ".xz") {
		data, err = unxz(data)
	}
	if err != nil {
		return err
	}
	needs, err := needs(data)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	for _, need := range needs {
		if err := k.add(list, underscored(need)); err != nil {
			return err
		}
	}
	*list = append(*list, module{name: name, data: data})
	return nil
}

// needs returns the dependencies of a module.
func needs(data []byte) ([]string, error) {
	file, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	section := file.Section(".modinfo")
	if section == nil {
		return nil, errors.New("no section .modinfo")
	}
	info, err := section.Data()
	if err != nil {
		return nil, err
	}
	for line := range strings.SplitSeq(string(info), "\x00") {
		if list, ok := strings.CutPrefix(line, "depends="); ok && list != "" {
			return strings.Split(list, ","), nil
		}
	}
	return nil, nil
}
