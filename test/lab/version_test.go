package lab

import (
	"strings"
	"syscall"
	"testing"
	"time"
)

// insideV2 is the inside segment by VRRPv2: whole seconds, IPv4.
func insideV2(pass string) shared {
	v := insideIPv4
	v.version, v.pass = 2, pass
	return v
}

// As TestKeepalivedIPv4, by VRRPv2 (RFC 3768) without and with a password, of
// which the first 8 characters count. Its Skew_Time at 1 s is that of VRRPv3.
func TestKeepalivedV2(t *testing.T) {
	needRoot(t)
	t.Parallel()
	t.Run("plain", func(t *testing.T) { besideKeepalived(t, insideV2(""), time.Second) })
	t.Run("password", func(t *testing.T) { besideKeepalived(t, insideV2("secret12"), time.Second) })
}

// Another password: each rejects the other's adverts, and says why.
func TestKeepalivedV2OtherPassword(t *testing.T) {
	t.Parallel()
	s := newSharedSite(t, []shared{insideIPv4}, "a", "b")
	began := time.Now()
	k := s.keepalived("a", 150, time.Second, insideV2("theirs"))
	k.enters("MASTER", 10*time.Second)
	b := s.startShared("b", 100, time.Second, insideV2("ours"))
	b.becomes("active", began, 20*time.Second)
	b.wait(began, 5*time.Second, "advert.rejected", func(l line) bool {
		return l.Event == "advert.rejected" && l.Reason == "auth-failure" && l.Instance == "inside"
	})
}

// keepalived left at its default, version 2, beside our version 3: the two do
// not understand each other. Whoever comes later stays quiet if it is ripcord,
// whatever its priority, and says so; when the other is gone for an
// Active_Down_Interval it serves. keepalived does no such thing: where it comes
// later there are two Actives, and ripcord says that, and does not flap.
func TestKeepalivedLeftAtVersion2(t *testing.T) {
	t.Parallel()
	s := newSharedSite(t, []shared{insideIPv4}, "a", "b")
	sniffer, watch := s.sniff(inside), s.watchShared(insideIPv4)
	began := time.Now()
	k := s.keepalived("a", 100, time.Second, insideV2(""))
	k.enters("MASTER", 10*time.Second)
	b := s.startShared("b", 150, time.Second, insideIPv4)
	b.becomes("backup", began, 5*time.Second)
	b.wait(began, 5*time.Second, "instance.holding", func(l line) bool { return l.Event == "instance.holding" && l.Reason == "version" && l.Level == "error" })
	b.wait(began, 5*time.Second, "advert.rejected", func(l line) bool {
		return l.Event == "advert.rejected" && l.Reason == "version-error" && l.Instance == "inside"
	})
	time.Sleep(3 * downInterval(150, time.Second))
	if n := s.heardFrom(sniffer, "b", began); n > 0 {
		t.Errorf("ripcord sent %d adverts beside a router of another version", n)
	}
	s.onlyOne(watch, began)

	at := k.stop()
	served := s.servedBy("b", inside, watch, at, 10*time.Second)
	down := downInterval(150, time.Second)
	s.within("keepalived of version 2 ends → ripcord serves", at, served, down-time.Second-10*time.Millisecond, down+slack)
	<-k.exited

	again := time.Now()
	k = s.keepalived("a", 200, time.Second, insideV2(""))
	k.enters("MASTER", 10*time.Second)
	b.wait(again, 5*time.Second, "advert.rival", func(l line) bool { return l.Event == "advert.rival" && l.Level == "error" })
	time.Sleep(downInterval(150, time.Second))
	for _, l := range b.log(again) {
		if l.Event == "instance.transition" {
			t.Errorf("ripcord moved: %s", l.Msg)
		}
	}
}

// Wireshark's eyes on VRRPv2: adverts and a resignation, with a password, are
// well formed, their checksums good.
func TestTsharkDecodesV2(t *testing.T) {
	t.Parallel()
	s := newSharedSite(t, []shared{insideIPv4}, "a")
	stop := s.capture("client", inside.ifname)
	began := time.Now()
	a := s.startShared("a", 150, time.Second, insideV2("secret"))
	a.becomes("active", began, 10*time.Second)
	time.Sleep(1500 * time.Millisecond)
	a.signal(syscall.SIGTERM)
	<-a.exited
	time.Sleep(500 * time.Millisecond) // the kernel gives a capture its frames in blocks
	path := stop()

	const want = "vrrp.version == 2 && vrrp.type == 1 && vrrp.virt_rtr_id == 51 && vrrp.addr_count == 1 && vrrp.auth_type == 1 && " +
		"vrrp.adver_int == 1 && vrrp.checksum.status == 1 && vrrp.ip_addr == 192.0.2.1 && ip.dst == 224.0.0.18 && ip.ttl == 255 && " +
		`frame contains "secret" && ip.len == 40`
	if all, good := s.tshark(path, "vrrp"), s.tshark(path, want+" && vrrp.prio == 150"); len(good) < 2 || len(all) != len(good)+1 {
		t.Errorf("tshark finds %d adverts, of which %d are as they should be:\n%s", len(all), len(good), strings.Join(all, "\n"))
	}
	if resigned := s.tshark(path, want+" && vrrp.prio == 0"); len(resigned) != 1 {
		t.Errorf("tshark finds %d resignations", len(resigned))
	}
	const warning = "0x600000" // PI_WARN of Wireshark's epan/proto.h
	if complaints := s.tshark(path, "vrrp && (_ws.malformed || _ws.expert.severity >= "+warning+")"); len(complaints) > 0 {
		t.Errorf("tshark complains:\n%s", strings.Join(complaints, "\n"))
	}
}
