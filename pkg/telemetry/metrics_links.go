package telemetry

import (
	"github.com/prometheus/client_golang/prometheus"

	"ripcord/pkg/event"
)

// links describes what is told of each link.
type links struct{ usable, adminUp, carrier, ups, downs, monitor, changed *prometheus.Desc }

func newLinks() *links {
	of := func(name, help string, more ...string) *prometheus.Desc {
		return desc("link_"+name, help, append([]string{"interface"}, more...)...)
	}
	return &links{
		usable:  of("usable", "1 if the link can carry traffic by all that can tell; 0 means that every group with an instance on it is in fault. 0 too where there is no such interface."),
		adminUp: of("admin_up", "1 if the interface is administratively up (IFF_UP); 0: somebody ran `ip link set ... down`."),
		carrier: of("carrier", "1 if there is a carrier by all that can tell; 0 with ripcord_link_admin_up 1: look at cable, transceiver and switch port."),
		ups:     of("carrier_up_total", "Times that the kernel saw the carrier come (IFLA_CARRIER_UP_COUNT), since the interface was made."),
		downs:   of("carrier_down_total", "Times that the kernel saw the carrier go (IFLA_CARRIER_DOWN_COUNT), since the interface was made. If it grows and nobody touches the cable, the link flaps."),
		monitor: of("monitor_info", "Always 1; the label says what tells the link's state: netlink, ethtool, mii, or none (a pulled cable stays unseen).", "monitor"),
		changed: of("last_change_timestamp_seconds", "When the link last became usable or ceased to be, in seconds since 1970; 0 if not known."),
	}
}

func (l *links) describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{l.usable, l.adminUp, l.carrier, l.ups, l.downs, l.monitor, l.changed} {
		out <- d
	}
}

func (l *links) collect(of *event.Link, out chan<- prometheus.Metric) {
	out <- truth(l.usable, of.Usable, of.Name)
	out <- truth(l.adminUp, of.AdminUp, of.Name)
	out <- truth(l.carrier, of.Carrier, of.Name)
	out <- counter(l.ups, uint64(of.UpCount), of.Name)
	out <- counter(l.downs, uint64(of.DownCount), of.Name)
	out <- gauge(l.changed, seconds(of.LastChange), of.Name)
	if of.Monitor != "" {
		out <- gauge(l.monitor, 1, of.Name, of.Monitor)
	}
}
