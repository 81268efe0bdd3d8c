package config

import (
	"ripcord/pkg/addr"
	"ripcord/pkg/config/problem"
	"ripcord/pkg/config/schema"
	"ripcord/pkg/config/value"
	"ripcord/pkg/event"
	"ripcord/pkg/tree"
)

// held is one entry of addresses or extra_addresses.
type held struct {
	addr.Address
	key     string // the key of the list
	at      problem.Place
	present schema.KeySet
}

// addressOf parses an entry of the list with that key: A/len, or the map of addressKeys.
func addressOf(key string) schema.Form[held] {
	what := schema.MapOf(addressKeys)
	what.Short = &prefixText
	return schema.As(what, func(report *problem.Report, at problem.Place) (held, bool) {
		h := held{key: key, at: at}
		addressKeys.Start(&h)
		if at.Node.Kind != tree.Map {
			prefix, ok := value.Prefix(report, at)
			h.Prefix = prefix
			return h, ok
		}
		h.present = addressKeys.Read(report, at, &h)
		addressKeys.Need(report, at, h.present)
		return h, h.Prefix.IsValid()
	})
}

// checkFamily requires that an IPv6 address has no attribute that only IPv4 addresses have.
func (h held) checkFamily(report *problem.Report) {
	six := event.FamilyOf(h.Prefix.Addr()) == event.IPv6
	if at, ok := h.present["label"]; ok && six {
		report.Fail(at, "IPv6 addresses have no labels")
	}
	if at, ok := h.present["preferred"]; ok && !six {
		report.Fail(at, "only an IPv6 address can be deprecated")
	}
	switch at, ok := h.present["broadcast"]; {
	case !ok || at.Bad:
	case six:
		report.Fail(at, "IPv6 has no broadcast addresses")
	case h.Broadcast.Is6():
		report.Fail(at, "%s is not an IPv4 address", h.Broadcast)
	}
}
