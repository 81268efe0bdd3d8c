package vm

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// restSeconds is how long the processor time of a daemon is measured.
const restSeconds = 10

// restScript runs a daemon for some time and prints the processor time of all processes of its
// name, in µs per second, and the memory of the first.
const restScript = `
cpu() {
	total=0
	for process in /proc/[0-9]*; do
		read -r comm <$process/comm || continue
		[ "$comm" = "$1" ] || continue
		for task in $process/task/*/schedstat; do
			read -r ns rest <$task && total=$((total + ns))
		done
	done
	echo $total
}
rest() {
	name=$1 program=$2
	shift
	"$@" >/tmp/$name.log 2>&1 &
	pid=$!
	until $b grep -qE "active|MASTER" /tmp/$name.log; do $b sleep 1; done
	$b sleep 8
	before=$(cpu $program)
	$b sleep %[1]d
	after=$(cpu $program)
	while read -r key value unit; do
		[ $key = VmRSS: ] && rss=$value
	done </proc/$pid/status
	echo "{\"event\":\"rest\",\"name\":\"$name\",\"cpu_us\":$(((after - before) / %[1]d000)),\"rss_kib\":$rss}"
	kill $pid
	wait $pid
}
echo "$hints" >/etc/hints.yaml
echo "$polling" >/etc/polling.yaml
echo "$keepalived" >/etc/keepalived.conf
export LD_LIBRARY_PATH=/lib
rest hints ripcord run --config /etc/hints.yaml
rest polling ripcord run --config /etc/polling.yaml
[ -x /bin/keepalived ] && rest keepalived keepalived -n -l -P -f /etc/keepalived.conf
`

const (
	restYAML = `control: {socket: /run/ripcord.sock}
instances:
  - {name: inside, interface: nic0, vrid: 51, addresses: [10.0.0.1/24]}
  - {name: outside, interface: nic1, vrid: 52, addresses: [10.0.1.1/24]}
groups: [{name: edge, members: [inside, outside]}]`

	restConf = `vrrp_sync_group edge {
  group {
    inside
    outside
  }
}
vrrp_instance inside {
  interface nic0
  virtual_router_id 51
  advert_int 1
  virtual_ipaddress {
    10.0.0.1/24
  }
}
vrrp_instance outside {
  interface nic1
  virtual_router_id 52
  advert_int 1
  virtual_ipaddress {
    10.0.1.1/24
  }
}`
)

// countInstructions are arguments of QEMU that advance the clock of a guest by 1 ns with each
// instruction, and with the true time only while the guest is idle. So the processor time of a process is
// the number of its instructions, however busy this machine is, and the guest is as fast as a real one.
var countInstructions = []string{"-icount", "shift=0,sleep=on"}

// TestRest checks that an Active of a group on two links, with adverts of one second, takes at most a
// fifth of the processor time with hints, and little more memory.
func TestRest(t *testing.T) {
	p := need(t)
	t.Parallel()
	n := nic{device: "virtio-net-pci", modules: []string{"virtio_pci", "virtio_net"}}
	keepalived := keepalivedFiles(t)
	files := fmt.Sprintf("hints='%s'\npolling='links: {default: {hint: off}}\n%s'\nkeepalived='%s'\n", restYAML, restYAML, restConf)
	g := start(t, p, host{
		nics: []nic{n, n}, number: 11, priority: 150, links: alone, files: keepalived, clock: countInstructions,
		first: files + fmt.Sprintf(restScript, restSeconds),
	}, newSwitch(t), newSwitch(t))
	rest := func(name string) line {
		l := g.wait(time.Time{}, bootTime, "measurement of "+name, func(l line) bool { return l.Event == "rest" && l.Name == name })
		t.Logf("%s at rest: %d µs of processor time a second, %d KiB of memory", name, l.CPU, l.RSS)
		return l
	}
	with, without := rest("hints"), rest("polling")
	if 5*with.CPU > without.CPU {
		t.Errorf("%d µs a second with hints, %d without: want a fifth at most", with.CPU, without.CPU)
	}
	if more := with.RSS - without.RSS; more > 3<<10 {
		t.Errorf("hints take %d KiB of memory, want 3 MiB at most", more)
	}
	if len(keepalived) > 0 {
		rest("keepalived")
	}
}

// keepalivedFiles returns the files that a guest needs to run this machine's keepalived.
func keepalivedFiles(t *testing.T) (list []file) {
	t.Helper()
	binary, err := exec.LookPath("keepalived")
	if err != nil {
		t.Log("keepalived is not measured beside it: it is not installed here")
		return nil
	}
	libraries, err := exec.Command("ldd", binary).Output()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]string{binary: "bin/keepalived"}
	for word := range strings.FieldsSeq(string(libraries)) {
		if filepath.IsAbs(word) {
			names[word] = "lib/" + filepath.Base(word)
		}
		if strings.HasPrefix(word, "/lib64/") { // the loader, which the binary names by its path
			names[word] = word[1:]
		}
	}
	for from, to := range names {
		data, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, file{to, data})
	}
	return list
}
