package vm

import (
	"fmt"
	"testing"
	"time"
)

// adoptInterval is the interval of the adverts of the daemon that is killed. The next daemon has to
// adopt within one and a half of it. A start takes less than 0.1 s if each instruction takes 1 ns.
// To attach the programs of the hints takes 0.3 s, and to detach those of the killed daemon as much:
// neither may delay the adoption.
const adoptInterval = 250 * time.Millisecond

// adoptScript runs a daemon, kills it once its hints are attached, and starts it again at once.
const adoptScript = `
echo "$config" >/etc/adopt.yaml
ripcord run --config /etc/adopt.yaml >/tmp/adopt.log 2>&1 &
pid=$!
until $b grep -q '"to":"active"' /tmp/adopt.log && $b grep -q fentry /tmp/adopt.log; do $b sleep 1; done
$b sleep 2
kill -9 $pid
ripcord run --config /etc/adopt.yaml &
pid=$!
$b sleep 12
kill $pid
wait $pid
`

// TestAdoptWithHints checks that a daemon that is killed and started again goes on as Active: its
// runner holds the programs of the kernel's hints, so the killed daemon ends at once, and the next
// one attaches its own only after its first adverts.
func TestAdoptWithHints(t *testing.T) {
	p := need(t)
	t.Parallel()
	config := fmt.Sprintf(`control: {socket: /run/ripcord.sock}
instances:
  - {name: inside, interface: nic0, vrid: 61, interval: %v, addresses: [10.0.0.1/24]}
  - {name: outside, interface: nic1, vrid: 62, interval: %[1]v, addresses: [10.0.1.1/24]}
groups: [{name: killed, members: [inside, outside]}]`, adoptInterval)
	n := nic{device: "virtio-net-pci", modules: []string{"virtio_pci", "virtio_net"}}
	g := start(t, p, host{
		nics: []nic{n, n}, number: 11, priority: 150, links: alone, first: fmt.Sprintf("config='%s'\n%s", config, adoptScript),
		clock: countInstructions,
	}, newSwitch(t), newSwitch(t))
	of := func(event string) line {
		return g.wait(time.Time{}, bootTime, event, func(l line) bool { return l.Event == event || l.Event == "group.unadopted" })
	}
	adopted := of("group.adopted")
	t.Log(adopted.Msg)
	if adopted.Event != "group.adopted" {
		t.Fatal("the daemon adopted nothing")
	}
	hints := of("link.hints")
	t.Logf("%v later: %s", hints.Time.Sub(adopted.Time), hints.Msg)
	if !hints.Time.After(adopted.Time) {
		t.Error("the hints were attached before")
	}
}
