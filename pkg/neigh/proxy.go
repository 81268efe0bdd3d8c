package neigh

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"ripcord/pkg/deadline"
	"ripcord/pkg/event"
)

// proxyEvery is the period at which the settings are read that make a link answer for other
// machines: there is no event for their changes.
const proxyEvery = 10 * time.Second

// proxySettings make a link answer ARP for addresses of other machines.
var proxySettings = []string{"proxy_arp", "proxy_arp_pvlan"}

// proxies looks for links that answer for other machines.
type proxies struct {
	next time.Time
}

// check warns about links that carry adverts and answer for other machines. It reads the settings
// of each link once, however many instances are on it.
func (p *proxies) check(t *turn) {
	if t.now.Before(p.next) || t.cfg.Setting == nil {
		return
	}
	p.next = deadline.Coalesce(t.now, proxyEvery)
	texts := make(map[string]string) // by link
	for name, set := range t.sets {
		if !slices.ContainsFunc(set.Addresses, func(a Address) bool { return a.Is4() }) {
			t.warn(name, event.WarnProxyARP, set.Link, "")
			continue
		}
		text, known := texts[set.Link]
		if !known {
			text = proxyText(t, set.Link)
			texts[set.Link] = text
		}
		t.warn(name, event.WarnProxyARP, set.Link, text)
	}
}

// proxyText names the setting that makes a link answer ARP for other machines, and says what to do;
// it is empty if there is none.
func proxyText(t *turn, link string) string {
	key, value, ok := AnswersForOthers(link, t.setting)
	if !ok {
		return ""
	}
	key = "net." + strings.ReplaceAll(key, "/", ".")
	return fmt.Sprintf("%s is %s: this machine answers ARP for addresses of other machines, so that two may answer for ours; set it to 0 with sysctl -w %s=0",
		key, value, key)
}

// AnswersForOthers returns the setting that makes a link answer ARP for addresses of other
// machines, by its key below net; ok is false if there is none.
func AnswersForOthers(link string, read func(key string) (string, bool)) (key, value string, ok bool) {
	for _, name := range proxySettings {
		for _, scope := range []string{link, "all"} {
			key = "ipv4/conf/" + scope + "/" + name
			if value, ok := read(key); ok && value != "0" {
				return key, value, true
			}
		}
	}
	return "", "", false
}
