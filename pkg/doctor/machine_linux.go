package doctor

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"ripcord/pkg/macvlan"
)

// readPrograms finds who has sockets for VRRP in this network namespace.
func readPrograms() (all []Program, err error) {
	sockets, err := macvlan.VRRPSockets()
	if err != nil || len(sockets) == 0 {
		return nil, err
	}
	self := os.Getpid()
	links, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	seen := make(map[int]bool)
	for _, link := range links {
		to, err := os.Readlink(link)
		inode, ok := strings.CutPrefix(strings.TrimSuffix(to, "]"), "socket:[")
		if err != nil || !ok || !sockets[inode] {
			continue
		}
		pid, err := strconv.Atoi(strings.Split(link, "/")[2])
		if err != nil || pid == self || seen[pid] {
			continue
		}
		seen[pid] = true
		name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
		if err == nil {
			all = append(all, Program{Name: strings.TrimSpace(string(name)), PID: pid, VRRP: true})
		}
	}
	return all, nil
}

// findManager finds which program configures a link. They do so only in the network
// namespace of the machine itself, that of the first process.
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

// keysOf reads the lines KEY=VALUE of a file; none if it is not there.
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
