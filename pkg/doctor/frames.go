package doctor

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"time"

	"ripcord/pkg/advert/validate"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// heard collects facts from the frames of the segments, one frame at a time.
type heard struct {
	plan     *Plan
	routers  []Router
	queriers map[string]bool
	answers  []Answer
	stations map[string][]netip.Addr // that sent ARP, by link
	asked    map[Answer]bool         // the questions, without a MAC
}

func newHeard(plan *Plan) *heard {
	return &heard{plan: plan, queriers: make(map[string]bool), stations: make(map[string][]netip.Addr), asked: make(map[Answer]bool)}
}

// frame is an Ethernet frame of a link.
type frame struct {
	link string
	own  bool // this machine sent it
	data []byte
	at   time.Duration // since the listening began
	wall time.Time
}

const (
	ethernetLen = 14
	ipv6Len     = 40
	etherIPv4   = 0x0800
	etherIPv6   = 0x86dd
	igmp        = 2
	query       = 0x11 // of IGMP
	hopByHop    = 0
	icmpv6      = 58
	mldQuery    = 130
)

// take processes a frame.
func (h *heard) take(f frame) {
	if len(f.data) < ethernetLen {
		return
	}
	packet := f.data[ethernetLen:]
	switch binary.BigEndian.Uint16(f.data[12:]) {
	case etherIPv4:
		header, payload, err := wire.SplitIPv4(packet)
		switch {
		case err != nil || len(payload) == 0:
		case packet[9] == wire.Protocol:
			h.advert(f, payload, header.Path())
		case packet[9] == igmp && payload[0] == query && !f.own:
			h.queriers[f.link] = true
		}
	case etherIPv6:
		h.takeIPv6(f, packet)
	default:
		h.takeARP(f)
	}
}

func (h *heard) takeIPv6(f frame, packet []byte) {
	if len(packet) < ipv6Len {
		return
	}
	payload := packet[ipv6Len:]
	payload = payload[:min(int(binary.BigEndian.Uint16(packet[4:])), len(payload))]
	switch next := packet[6]; {
	case next == wire.Protocol:
		h.advert(f, payload, wire.Path{
			Source: netip.AddrFrom16([16]byte(packet[8:24])), Dest: netip.AddrFrom16([16]byte(packet[24:40])), HopLimit: int(packet[7]),
		})
	case next == hopByHop && len(payload) > 8 && payload[0] == icmpv6 && payload[8] == mldQuery && !f.own:
		h.queriers[f.link] = true
	case next == icmpv6 && !f.own:
		if mac, ip, solicited, ok := wire.ParseNA(f.data); ok && solicited {
			h.answer(Answer{Link: f.link, Address: ip}, mac)
		}
	}
}

func (h *heard) takeARP(f frame) {
	mac, ip, reply, ok := wire.ParseARP(f.data)
	if !ok || f.own {
		return
	}
	if reply {
		h.answer(Answer{Link: f.link, Address: ip}, mac)
	}
	if known := h.stations[f.link]; !ip.IsUnspecified() && len(known) < maxStations {
		h.stations[f.link] = append(known, ip)
	}
}

// maxStations limits the remembered stations of a link, of which one is asked.
const maxStations = 16

// answer records the answer to a question of ours.
func (h *heard) answer(a Answer, mac [6]byte) {
	if !h.asked[a] {
		return
	}
	a.MAC = mac
	for _, known := range h.answers {
		if known == a {
			return
		}
	}
	h.answers = append(h.answers, a)
}

// maxRouters limits the number of remembered routers: sources can be forged.
const maxRouters = 1024

// advert processes an advert.
func (h *heard) advert(f frame, message []byte, path wire.Path) {
	path.Least, path.Trailer = 1, true // any hop limit and trailer is accepted: they are examined below
	var ad wire.Advert
	err := ad.Decode(message, path)
	if err == nil {
		err = ad.CheckBare()
	}
	r := h.router(f, path, ad.VRID)
	if r == nil {
		return
	}
	r.Last, r.Count = f.at, r.Count+1
	if ad.Priority == 0 && err == nil && r.Count > 1 {
		return // it resigns; its earlier adverts matter
	}
	r.MAC, r.Advert = [6]byte(f.data[6:12]), ad
	r.Problem, r.CARP, r.Auth = "", err != nil && validate.IsCARP(err, message), ""
	switch in := h.plan.ours(r); {
	case err != nil:
		r.Problem = err.Error()
	case in != nil && in.HMAC != nil && ad.Signed:
		r.judgeTrailer(in.HMAC, message, f.wall)
	}
	if multicast := path.Dest.IsMulticast(); err == nil && multicast && path.HopLimit != wire.HopLimit {
		r.Problem = wire.IPTTLError.Error()
	}
}

// router finds or makes the entry of a router. Its adverts to the group and those to single routers
// may belong to two virtual routers with one VRID.
func (h *heard) router(f frame, path wire.Path, vrid uint8) *Router {
	for i := range h.routers {
		r := &h.routers[i]
		if r.Link == f.link && r.Own == f.own && r.Source == path.Source && r.Dest.IsMulticast() == path.Dest.IsMulticast() && r.Advert.VRID == vrid {
			return r
		}
	}
	if len(h.routers) == maxRouters {
		return nil
	}
	h.routers = append(h.routers, Router{Link: f.link, Own: f.own, Source: path.Source, Dest: path.Dest, First: f.at})
	r := &h.routers[len(h.routers)-1]
	r.Advert.VRID = vrid
	return r
}

// judgeTrailer records whether a key of ours signed an advert, and how far its time differs.
func (r *Router) judgeTrailer(with *vrrp.HMAC, message []byte, now time.Time) {
	trailer, err := wire.ReadTrailer(message)
	if err != nil {
		r.Auth = "their trailer is malformed"
		return
	}
	secret, known := with.Keys[trailer.KeyID]
	switch {
	case !known:
		r.Auth = "they are signed with key " + itoa(int(trailer.KeyID)) + ", which it does not have"
	case !wire.NewKey(trailer.KeyID, secret).Verifies(message, r.Source):
		r.Auth = "their signature is not that of key " + itoa(int(trailer.KeyID))
	default:
		r.Skew = trailer.Sequence.Sub(wire.SequenceAt(now))
	}
}

// has reports whether a virtual router was heard, from here or from elsewhere.
func (h *heard) has(in *vrrp.Instance) bool {
	return slices.ContainsFunc(h.routers, func(r Router) bool { return h.plan.ours(&r) == in })
}
