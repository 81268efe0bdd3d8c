package neigh

import (
	"fmt"
	"slices"
	"time"

	"ripcord/pkg/event"
)

// proxyEvery is how often the settings are looked at that make a link answer for other
// machines: no event reports that they have changed.
const proxyEvery = 10 * time.Second

// proxySettings make a link answer ARP for addresses that are not this machine's.
var proxySettings = []string{"proxy_arp", "proxy_arp_pvlan"}

// proxies looks for links that answer for other machines.
type proxies struct {
	next time.Time
}

// check warns of links that carry adverts and answer for other machines.
func (p *proxies) check(t *turn) {
	if t.now.Before(p.next) || t.cfg.Setting == nil {
		return
	}
	p.next = t.now.Add(proxyEvery)
	for name, set := range t.sets {
		t.warn(name, event.WarnProxyARP, set.Link, proxyText(t, set))
	}
}

// proxyText says which setting makes the link of a set answer for other machines, and
// what to do; it is empty if none does, or if no address of the set is IPv4.
func proxyText(t *turn, set *Set) string {
	if !slices.ContainsFunc(set.Addresses, func(a Address) bool { return a.Is4() }) {
		return ""
	}
	for _, key := range proxySettings {
		for _, link := range []string{set.Link, "all"} {
			if value, ok := t.setting("ipv4/conf/" + link + "/" + key); ok && value != "0" {
				return fmt.Sprintf("net.ipv4.conf.%s.%s is %s: this machine answers ARP for addresses of other machines, so that two may answer for ours; set it to 0 with sysctl -w net.ipv4.conf.%s.%s=0",
					link, key, value, link, key)
			}
		}
	}
	return ""
}
