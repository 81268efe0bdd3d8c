package vm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// kept are the folders of modules that a guest may need.
var kept = []string{"net", "drivers/net", "drivers/virtio", "drivers/ptp", "drivers/pps"}

// findKernel returns Debian's current kernel, from the cache or from apt, or else the one in the
// cache.
func findKernel() (kernel, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return kernel{}, err
	}
	cache = filepath.Join(cache, "ripcord-vm")
	dir, err := currentKernel(cache)
	if err != nil && os.Getuid() == 0 { // apt's lists are missing, or older than the mirror
		if out, failed := exec.Command("apt-get", "-qq", "update").CombinedOutput(); failed != nil {
			err = fmt.Errorf("%w\napt-get update: %w\n%s", err, failed, out)
		} else {
			dir, err = currentKernel(cache)
		}
	}
	if err == nil {
		return openKernel(dir)
	}
	if old, _ := filepath.Glob(filepath.Join(cache, "linux-image-*")); len(old) > 0 {
		return openKernel(old[len(old)-1])
	}
	return kernel{}, fmt.Errorf("no kernel to boot: %w", err)
}

// currentKernel returns the folder of the kernel of linux-image-amd64. It downloads the kernel if
// the folder does not exist.
func currentKernel(cache string) (dir string, err error) {
	name, err := kernelPackage()
	if err != nil {
		return "", err
	}
	dir = filepath.Join(cache, name)
	if _, missing := os.Stat(dir); missing != nil {
		err = download(cache, name)
	}
	return dir, err
}

// kernelPackage returns the package on which linux-image-amd64 depends now.
func kernelPackage() (string, error) {
	out, err := exec.Command("apt-cache", "depends", "linux-image-amd64").Output()
	if err != nil {
		return "", fmt.Errorf("apt-cache depends linux-image-amd64: %w", err)
	}
	for word := range strings.FieldsSeq(string(out)) {
		if strings.HasPrefix(word, "linux-image-") && word != "linux-image-amd64" {
			return word, nil
		}
	}
	return "", errors.New("apt knows no linux-image-amd64: run apt-get update")
}

// download fetches and unpacks a kernel. The folder appears when it is complete.
func download(cache, name string) error {
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(cache, "new-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	for _, step := range []string{"apt-get -q download " + name, "dpkg -x *.deb root", "rm *.deb", "mkdir whole"} {
		command := exec.Command("sh", "-c", step)
		command.Dir = dir
		if out, err := command.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", step, err, out)
		}
	}
	if err := keep(filepath.Join(dir, "root"), filepath.Join(dir, "whole")); err != nil {
		return fmt.Errorf("unpack %s: %w", name, err)
	}
	old, _ := filepath.Glob(filepath.Join(cache, "linux-image-*"))
	if err := os.Rename(filepath.Join(dir, "whole"), filepath.Join(cache, name)); err != nil {
		return err
	}
	for _, before := range old {
		_ = os.RemoveAll(before)
	}
	return nil
}

// keep copies the files that guests need from a package.
func keep(root, whole string) error {
	image, err := one(filepath.Join(root, "boot/vmlinuz-*"))
	if err != nil {
		return err
	}
	packed, err := os.ReadFile(image)
	if err != nil {
		return err
	}
	vmlinux, err := unpackImage(packed)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(whole, "vmlinux"), vmlinux, 0o644); err != nil {
		return err
	}
	modules, err := one(filepath.Join(root, "lib/modules/*/kernel"), filepath.Join(root, "usr/lib/modules/*/kernel"))
	if err != nil {
		return err
	}
	for _, folder := range kept {
		to := filepath.Join(whole, "modules", folder)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if err := os.Rename(filepath.Join(modules, folder), to); err != nil {
			return err
		}
	}
	return nil
}

func one(patterns ...string) (string, error) {
	for _, pattern := range patterns {
		if found, _ := filepath.Glob(pattern); len(found) == 1 {
			return found[0], nil
		}
	}
	return "", fmt.Errorf("the package has no %s", patterns[0])
}

// unpackImage extracts the ELF kernel from a bzImage (the kernel's Documentation/x86/boot.rst:
// setup_sects, payload_offset, payload_length). It boots in half the time, because an emulator
// unpacks slowly.
func unpackImage(image []byte) ([]byte, error) {
	if len(image) < 0x250 || string(image[0x202:0x206]) != "HdrS" {
		return nil, errors.New("vmlinuz is no bzImage")
	}
	from := (int(image[0x1f1])+1)*512 + int(binary.LittleEndian.Uint32(image[0x248:]))
	to := from + int(binary.LittleEndian.Uint32(image[0x24c:]))
	if from < 0 || to < from || to > len(image) {
		return nil, errors.New("vmlinuz is cut off")
	}
	return unxz(image[from:to])
}

// unxz unpacks the first stream and ignores what follows it.
func unxz(packed []byte) ([]byte, error) {
	command := exec.Command("xz", "-dc", "--single-stream")
	command.Stdin = bytes.NewReader(packed)
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("xz -dc: %w", err)
	}
	return out, nil
}
