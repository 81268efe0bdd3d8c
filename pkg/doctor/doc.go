// Package doctor examines a machine and its segments for problems that would impede a failover,
// before a router goes live. Each finding says what was found, why that matters, and what to do.
//
// Gather collects Facts and changes nothing: it reads settings, links, addresses and the firewall,
// listens for adverts, and asks by ordinary ARP and neighbor discovery which stations have the
// virtual addresses. Judge derives Findings from Facts by one table of checks, and is pure. The
// manual's list of findings, docs/doctor.md, is generated from that table.
package doctor
