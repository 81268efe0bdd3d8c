package doctor

import (
	"bufio"
	"os"
	"strconv"
	"strings"

	"ripcord/pkg/macvlan"
	"ripcord/pkg/procfs"
)

// readPrograms finds the programs with VRRP sockets in this network namespace. It skips a program
// that ends meanwhile.
func readPrograms() (all []Program, err error) {
	vrrp, err := macvlan.VRRPSockets()
	if err != nil || len(vrrp) == 0 {
		return nil, err
	}
	pids, err := procfs.PIDs(procfs.Root)
	if err != nil {
		return nil, err
	}
	for _, pid := range pids {
		if pid == os.Getpid() {
			continue
		}
		open, err := macvlan.Sockets(strconv.Itoa(pid))
		if err != nil || !shareAny(open, vrrp) {
			continue
		}
		if stat, err := procfs.ReadStat(procfs.Root, pid); err == nil {
			all = append(all, Program{Name: stat.Name, PID: pid})
		}
	}
	return all, nil
}

// shareAny reports whether two sets have a common element.
func shareAny(a, b map[string]bool) bool {
	for x := range a {
		if b[x] {
			return true
		}
	}
	return false
}

// findManager finds the program that configures a link. There is one only in the network namespace
// of the machine itself, that of the first process.
func (l *Link) findManager() {
	first, err := os.Readlink("/proc/1/ns/net")
	own, err2 := os.Readlink("/proc/thread-self/ns/net")
	if err != nil || err2 != nil || first != own {
		return
	}
	index := strconv.Itoa(l.Index)
	if state := keysOf("/run/systemd/netif/links/" + index); state["ADMIN_STATE"] != "" && state["ADMIN_STATE"] != "unmanaged" {
		l.Manager, l.ManagerFile = Networkd, state["NETWORK_FILE"]
		for _, file := range append(strings.Fields(strings.ReplaceAll(state["NETWORK_FILE_DROPINS"], ":", " ")), l.ManagerFile) {
			keep := keysOf(file)["KeepConfiguration"]
			l.Keeps = l.Keeps || keep == "yes" || keep == "true" || keep == "static"
		}
	}
	if state := keysOf("/run/NetworkManager/devices/" + index); state["managed"] == "true" || state["managed"] == "full" {
		l.Manager = NetworkManager
	}
}

// keysOf reads the lines KEY=VALUE of a file; none if it does not exist.
func keysOf(path string) map[string]string {
	file, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer file.Close()
	all := make(map[string]string)
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if key, value, ok := strings.Cut(strings.TrimSpace(lines.Text()), "="); ok {
			all[strings.TrimSpace(key)] = strings.TrimSpace(value)
		}
	}
	return all
}
