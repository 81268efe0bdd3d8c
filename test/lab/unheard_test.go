package lab

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"ripcord/test/netns"
)

// TestTrafficThatVanishesIsTold uses a macvlan above a veth to a bridge, which keeps its carrier
// when the bridge loses its port to the outside: everything sent is lost without an error, and both
// routers are Active. The router whose packets are lost logs this, and the other does not.
func TestTrafficThatVanishesIsTold(t *testing.T) {
	netns.NeedRoot(t)
	for _, on := range []shared{insideIPv4, insideIPv6} {
		t.Run(fmt.Sprintf("on %s", on.virtual[0]), func(t *testing.T) {
			t.Parallel()
			s := newSharedSite(t, []shared{on}, "a", "b")
			s.commands("a", "link add br0 type bridge forward_delay 0 mcast_snooping 0; link add v0 type veth peer name v1; "+
				"link set v1 master br0; link set eth0 master br0; link set br0 up; link set v1 up; link set v0 up; "+
				"address flush dev eth0; link add mv0 link v0 type macvlan mode private; link set mv0 up")
			s.ip("a", "address", "add", fmt.Sprintf(on.hosts, 21), "dev", "mv0", "nodad")
			mv0 := on
			mv0.ifname = "mv0"
			began := time.Now()
			a := s.startShared("a", 150, often, mv0)
			a.becomes("active", began, 10*time.Second)
			b := s.startShared("b", 100, often, on)
			b.becomes("backup", began, 5*time.Second)
			if !s.reaches("client", on.asked().String()) {
				t.Error("the client does not reach the Active")
			}
			at := time.Now()
			s.ip("a", "link", "set", "eth0", "nomaster")
			text := a.warned("unheard", true, 60*time.Second)
			if !strings.Contains(text, "check the cable or the lower device of mv0") {
				t.Errorf("it does not say what to do: %s", text)
			}
			l := a.wait(at, patience, "the warning", func(l line) bool { return l.Event == "instance.warning" && l.Reason == "unheard" })
			if l.Level != "error" {
				t.Errorf("logged at level %s", l.Level)
			}
			if m := a.moves(at); len(m) != 0 {
				t.Errorf("it became %s: %s", m[0].To, m[0].Reason)
			}
			time.Sleep(10 * time.Second) // b has been Active for as long as a was before it warned
			if slices.ContainsFunc(b.log(at), func(l line) bool { return l.Event == "instance.warning" }) {
				t.Error("the router that is heard warns, too")
			}
			s.ip("a", "link", "set", "eth0", "master", "br0")
			a.warned("unheard", false, 20*time.Second)
		})
	}
}
