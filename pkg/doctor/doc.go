// Package doctor looks at a machine and at its segments, before a router goes live, for what would
// get in the way of a failover. Each finding says what was found, why that matters, and what to do.
//
// Gather collects Facts and changes nothing: it reads settings, links, addresses and the
// firewall, listens for adverts, and asks by ordinary ARP and neighbor discovery who has the
// virtual addresses. Judge makes Findings of Facts, by one table of checks, and is pure.
// The manual's list of findings, docs/doctor.md, is made of that table.
package doctor
