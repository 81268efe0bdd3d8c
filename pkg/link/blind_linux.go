package link

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// blind implements asker. The one driver that is known to be blind at times is
// virtio's: it says "link" for good where the host offers no
// VIRTIO_NET_F_STATUS (virtio 1.2 §5.1.3). What was negotiated stands below
// /sys/bus, which unlike /sys/class/net is the same in every namespace.
func (a *driver) blind(t Target) string {
	name, bus := a.driverInfo(t.Name)
	if name != "virtio_net" || bus == "" {
		return ""
	}
	files, _ := filepath.Glob("/sys/bus/*/devices/" + filepath.Base(bus) + "/virtio*/features")
	if len(files) == 0 {
		return ""
	}
	features, err := os.ReadFile(files[0])
	if err != nil || tellsStatus(features) {
		return ""
	}
	return "the host does not tell the NIC of its link (virtio without VIRTIO_NET_F_STATUS)"
}

// tellsStatus reads the list of features, a 0 or 1 for each from the first on.
func tellsStatus(features []byte) bool {
	const status = 16 // VIRTIO_NET_F_STATUS
	return len(features) <= status || features[status] != '0'
}

// driverInfo is the driver's name and where on which bus its device is; both
// are empty where it does not say.
func (a *driver) driverInfo(name string) (driver, bus string) {
	if a.open() != nil {
		return "", ""
	}
	info, err := unix.IoctlGetEthtoolDrvinfo(a.fd, name)
	if err != nil {
		return "", ""
	}
	return unix.ByteSliceToString(info.Driver[:]), unix.ByteSliceToString(info.Bus_info[:])
}
