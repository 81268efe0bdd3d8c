package telemetry

// links returns the metrics of each link.
func links() []family {
	return []family{
		ofLink("usable", gauge, "1 if the link is usable according to all usable sources. 0: every group with an instance on it is in fault (unless track_link is false), and every group that tracks it without a weight. Also 0 if the interface does not exist.",
			func(l *watched) float64 { return truth(l.Usable) }),
		ofLink("admin_up", gauge, "1 if the interface is administratively up (IFF_UP); 0 after `ip link set ... down`.",
			func(l *watched) float64 { return truth(l.AdminUp) }),
		ofLink("carrier", gauge, "1 if all usable sources report a carrier. 0 with ripcord_link_admin_up 1: check cable, transceiver and switch port.",
			func(l *watched) float64 { return truth(l.Carrier) }),
		ofLink("carrier_up_total", counter, "Times that the carrier came up (IFLA_CARRIER_UP_COUNT), since the interface was created.",
			func(l *watched) float64 { return float64(l.UpCount) }),
		ofLink("carrier_down_total", counter, "Times that the carrier was lost (IFLA_CARRIER_DOWN_COUNT), since the interface was created. If this grows without work on the cable, the link flaps.",
			func(l *watched) float64 { return float64(l.DownCount) }),
		ofLink("last_change_timestamp_seconds", gauge, "Time when the link last became usable or unusable, in seconds since 1970; 0 if not known.",
			func(l *watched) float64 { return seconds(l.LastChange) }),
		ofLink("confirm_seconds", gauge, "The current period for asking the driver for the carrier, in addition to the kernel's notifications; 0: ripcord does not ask, for example because no instance on the link is Backup or Active.",
			func(l *watched) float64 { return l.Confirm.Seconds() }),
		ofLink("confirm_configured_seconds", gauge, "The configured period (links.NAME.confirm).",
			func(l *watched) float64 { return l.set.Confirm.Seconds() }),
		ofLink("poll_seconds", gauge, "The current period for polling the transceiver or the driver; 0: no polling, since the kernel's notifications are reliable.",
			func(l *watched) float64 { return l.Poll.Seconds() }),
		ofLink("poll_configured_seconds", gauge, "The configured period (links.NAME.poll).",
			func(l *watched) float64 { return l.set.Poll.Seconds() }),
		ofLink("stretched", gauge, "1 if a period is longer than configured, since asking would cost more than 1 % of a core. A loss may be detected later by the difference. See link.stretched in the log.",
			func(l *watched) float64 { return truth(l.Stretched) }),
		{"link_monitor_info", "Always 1. The label is the monitor of the link's state: netlink, ethtool, mii, or none (ripcord cannot detect a pulled cable).", gauge, monitors},
	}
}

// ofLink returns a metric with one series for each link.
func ofLink(name string, of kind, help string, value func(*watched) float64) family {
	return family{"link_" + name, help, of, func(p *page, s *scrape) {
		for i := range s.links {
			p.put(value(&s.links[i]), s.links[i].labels)
		}
	}}
}

func monitors(p *page, s *scrape) {
	for _, l := range s.links {
		if l.Monitor != "" {
			p.put(1, l.labels, "monitor", l.Monitor)
		}
	}
}
