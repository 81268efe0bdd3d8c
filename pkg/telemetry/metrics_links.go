package telemetry

import (
	"github.com/prometheus/client_golang/prometheus"

	"ripcord/pkg/event"
	"ripcord/pkg/link"
)

// links describes what is told of each link.
type links struct {
	usable, adminUp, carrier, ups, downs, monitor, changed *prometheus.Desc

	confirm, confirmSet, poll, pollSet, stretched *prometheus.Desc
}

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

		confirm:    of("confirm_seconds", "The period at which the driver is asked for the carrier now, beside the kernel's notifications; 0: it is not asked, as where no instance on the link is Backup or Active."),
		confirmSet: of("confirm_configured_seconds", "The period of that as configured (links.NAME.confirm)."),
		poll:       of("poll_seconds", "The period at which the poller asks the transceiver or the driver now; 0: it does not, since the kernel's notifications can be relied upon."),
		pollSet:    of("poll_configured_seconds", "The period of that as configured (links.NAME.poll)."),
		stretched:  of("stretched", "1 where a period is longer than configured, since asking would cost more than 1 % of a core: a loss may be seen that much later. The log's link.stretched says why."),
	}
}

func (l *links) describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{l.usable, l.adminUp, l.carrier, l.ups, l.downs, l.monitor, l.changed,
		l.confirm, l.confirmSet, l.poll, l.pollSet, l.stretched} {
		out <- d
	}
}

func (l *links) collect(of *event.Link, set link.Settings, out chan<- prometheus.Metric) {
	out <- truth(l.usable, of.Usable, of.Name)
	out <- truth(l.adminUp, of.AdminUp, of.Name)
	out <- truth(l.carrier, of.Carrier, of.Name)
	out <- counter(l.ups, uint64(of.UpCount), of.Name)
	out <- counter(l.downs, uint64(of.DownCount), of.Name)
	out <- gauge(l.changed, seconds(of.LastChange), of.Name)
	out <- gauge(l.confirm, of.Confirm.Seconds(), of.Name)
	out <- gauge(l.confirmSet, set.Confirm.Seconds(), of.Name)
	out <- gauge(l.poll, of.Poll.Seconds(), of.Name)
	out <- gauge(l.pollSet, set.Poll.Seconds(), of.Name)
	out <- truth(l.stretched, of.Stretched, of.Name)
	if of.Monitor != "" {
		out <- gauge(l.monitor, 1, of.Name, of.Monitor)
	}
}
