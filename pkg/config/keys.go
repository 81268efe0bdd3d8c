package config

import (
	"net/netip"
	"time"

	"ripcord/pkg/addr"
	"ripcord/pkg/event"
	"ripcord/pkg/link"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

const ms = time.Millisecond

// documentKeys are those of the file itself. Defaults are read before what they
// apply to.
var documentKeys = table[document]{
	{"log", optional, section(func(d *document) *Log { return &d.log }, logKeys)},
	{"control", optional, section(func(d *document) *Control { return &d.control }, controlKeys)},
	{"defaults", optional, readDefaults},
	{"links", optional, readLinks},
	{"instances", required, readInstances},
	{"groups", optional, to(func(d *document) *[]group { return &d.groups }, each(readGroup))},
	{"checks", later, nil},
	{"notify", later, nil},
	{"fifo", later, nil},
	{"script_user", later, nil},
	{"include", later, nil},
}

var logKeys = table[Log]{
	{"level", "info", to(func(g *Log) *event.Level { return &g.Level }, choice(words[event.Level]{
		{"debug", event.Debug}, {"info", event.Info}, {"warn", event.Warn}, {"error", event.Error}}))},
}

var controlKeys = table[Control]{
	{"socket", "/run/ripcord/ripcord.sock", to(func(c *Control) *string { return &c.Socket }, socketPath)},
	{"listen", optional, to(func(c *Control) *string { return &c.Listen }, endpoint)},
}

var linkKeys = table[link.Settings]{
	{"monitor", "auto", to(func(s *link.Settings) *link.Mode { return &s.Monitor }, choice(words[link.Mode]{
		{"auto", link.Auto}, {"netlink", link.Netlink}, {"ethtool", link.Ethtool}, {"mii", link.ModeMII}}))},
	{"confirm", "10ms", to(func(s *link.Settings) *time.Duration { return &s.Confirm }, duration(0, time.Minute, ms))},
	{"poll", "1s", to(func(s *link.Settings) *time.Duration { return &s.Poll }, duration(10*ms, time.Minute, ms))},
	{"down_delay", "0s", to(func(s *link.Settings) *time.Duration { return &s.DownDelay }, duration(0, time.Hour, ms))},
	{"up_delay", "0s", to(func(s *link.Settings) *time.Duration { return &s.UpDelay }, duration(0, time.Hour, ms))},
	{"recovery", optional, section(func(s *link.Settings) *vrrp.Recovery { return &s.Recovery }, recoveryKeys)},
}

var recoveryKeys = table[vrrp.Recovery]{
	{"adverts", "2", to(func(r *vrrp.Recovery) *int { return &r.Adverts }, number(1, 100))},
	{"wait", "35s", to(func(r *vrrp.Recovery) *time.Duration { return &r.Wait }, duration(0, time.Hour, ms))},
}

var instanceKeys = table[instance]{
	{"name", required, to(func(i *instance) *string { return &i.Instance.Instance }, name)},
	{"interface", required, to(func(i *instance) *string { return &i.Interface }, interfaceName)},
	{"vrid", required, to(func(i *instance) *uint8 { return &i.VRID }, number[uint8](1, 255))},
	{"family", optional, to(func(i *instance) *event.Family { return &i.Family }, choice(words[event.Family]{
		{"ipv4", event.IPv4}, {"ipv6", event.IPv6}}))},
	{"version", "3", to(func(i *instance) *wire.Version { return &i.Version }, plain(choice(words[wire.Version]{
		{"3", wire.V3}, {"2", wire.V2}})))},
	{"priority", "100", to(func(i *instance) *uint8 { return &i.Priority }, number[uint8](1, vrrp.Owner))},
	{"interval", "1s", to(func(i *instance) *time.Duration { return &i.Interval }, duration(10*ms, 255*time.Second, 10*ms))},
	{"miss", "3", to(func(i *instance) *int { return &i.Miss }, number(1, 100))},
	{"preempt", "true", to(func(i *instance) *bool { return &i.Preempt }, boolean)},
	{"preempt_delay", "0s", to(func(i *instance) *time.Duration { return &i.PreemptDelay }, duration(0, 24*time.Hour, ms))},
	{"startup_delay", "0s", to(func(i *instance) *time.Duration { return &i.StartupDelay }, duration(0, 24*time.Hour, ms))},
	{"addresses", required, to(func(i *instance) *[]held { return &i.held }, some(each(addressOf("addresses"))))},
	{"extra_addresses", optional, to(func(i *instance) *[]held { return &i.extra }, each(addressOf("extra_addresses")))},
	{"routes", optional, to(func(i *instance) *[]route { return &i.routes }, each(readRoute))},
	{"rules", optional, to(func(i *instance) *[]rule { return &i.rules }, each(readRule))},
	{"virtual_mac", "false", to(func(i *instance) *bool { return &i.VirtualMAC }, boolean)},
	{"accept", "true", to(func(i *instance) *bool { return &i.accept }, boolean)},
	{"source", optional, to(func(i *instance) *spotted { return &i.sending.source }, router)},
	{"unicast", optional, readUnicast},
	{"checksum", "auto", to(func(i *instance) *checksum { return &i.checksum }, choice(words[checksum]{
		{"auto", checksum{wire.PseudoHeader, true}},
		{"rfc9568", checksum{wire.MessageOnly, false}},
		{"pseudo-header", checksum{wire.PseudoHeader, false}}}))},
	{"auth", optional, section(func(i *instance) *authentication { return &i.auth }, authKeys)},
	{"announce", optional, section(func(i *instance) *addr.Announce { return &i.announce }, announceKeys)},
	{"track", later, nil},
	{"notify", later, nil},
	{"fence", later, nil},
}

var authKeys = table[authentication]{
	{"pass", optional, to(func(a *authentication) *wire.Auth { return &a.pass }, password)},
	{"hmac", optional, readHMAC},
}

var hmacKeys = table[hmac]{
	{"keys", required, to(func(h *hmac) *map[uint8]wire.Secret { return &h.Keys }, readSecrets)},
	{"active", optional, to(func(h *hmac) *uint8 { return &h.Active }, number[uint8](1, 255))},
	{"mode", "enforce", to(func(h *hmac) *vrrp.AuthMode { return &h.Mode }, choice(words[vrrp.AuthMode]{
		{"receive-only", vrrp.ReceiveOnly}, {"permissive", vrrp.Permissive}, {"enforce", vrrp.Enforce}}))},
	{"replay", "time", to(func(h *hmac) *bool { return &h.monotonic }, choice(words[bool]{{"time", false}, {"monotonic", true}}))},
	{"window", optional, to(func(h *hmac) *time.Duration { return &h.Window }, duration(time.Second, 300*time.Second, ms))},
}

// secretKeys are two ways to the digits of a key.
var secretKeys = table[string]{
	{"file", optional, to(func(s *string) *string { return s }, digitsOf)},
	{"hex", optional, to(func(s *string) *string { return s }, digitsIn)},
}

var unicastKeys = table[sending]{
	{"peers", required, to(func(s *sending) *[]spotted { return &s.peers }, some(each(router)))},
	{"ttl", "255", to(func(s *sending) *uint8 { return &s.ttls.TTL }, number[uint8](1, 255))},
	{"min_ttl", "255", to(func(s *sending) *uint8 { return &s.ttls.MinTTL }, number[uint8](1, 255))},
}

var announceKeys = table[addr.Announce]{
	{"count", "5", to(func(a *addr.Announce) *int { return &a.Count }, number(1, 100))},
	{"again_after", "5s", to(func(a *addr.Announce) *time.Duration { return &a.AgainAfter }, duration(0, time.Hour, ms))},
	{"refresh", "0s", to(func(a *addr.Announce) *time.Duration { return &a.Refresh }, duration(0, 24*time.Hour, time.Second))},
	{"spacing", "0s", to(func(a *addr.Announce) *time.Duration { return &a.Spacing }, duration(0, time.Second, 1))},
}

var addressKeys = table[held]{
	{"address", required, to(func(h *held) *netip.Prefix { return &h.Prefix }, readPrefix)},
	{"interface", optional, to(func(h *held) *string { return &h.Interface }, interfaceName)},
	{"label", optional, to(func(h *held) *string { return &h.Label }, label)},
	{"scope", "global", to(func(h *held) *uint8 { return &h.Scope }, scope)},
}

var routeKeys = table[route]{
	{"to", required, to(func(r *route) *netip.Prefix { return &r.To }, destination)},
	{"via", optional, to(func(r *route) *netip.Addr { return &r.Via }, station)},
	{"interface", optional, to(func(r *route) *string { return &r.Interface }, interfaceName)},
	{"table", "main", to(func(r *route) *uint32 { return &r.Table }, tableOf)},
	{"metric", "0", to(func(r *route) *uint32 { return &r.Metric }, number[uint32](0, 1<<32-1))},
	{"source", optional, to(func(r *route) *netip.Addr { return &r.Source }, station)},
}

var ruleKeys = table[rule]{
	{"from", optional, to(func(r *rule) *netip.Prefix { return &r.From }, network)},
	{"to", optional, to(func(r *rule) *netip.Prefix { return &r.To }, network)},
	{"iif", optional, to(func(r *rule) *string { return &r.Iif }, interfaceName)},
	{"fwmark", optional, func(l *loader, at place, r *rule) (ok bool) {
		r.Fwmark, r.Mask, ok = fwmark(l, at)
		return ok
	}},
	{"table", required, to(func(r *rule) *uint32 { return &r.Table }, tableOf)},
	{"priority", required, to(func(r *rule) *uint32 { return &r.Priority }, number[uint32](1, 1<<32-1))},
}

var groupKeys = table[group]{
	{"name", required, to(func(g *group) *string { return &g.name }, name)},
	{"members", required, to(func(g *group) *[]member { return &g.members }, some(each(readMember)))},
	{"track", later, nil},
	{"notify", later, nil},
	{"fence", later, nil},
	{"fault", later, nil},
	{"last_standing", later, nil},
}
