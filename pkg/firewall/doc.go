// Package firewall has the kernel drop what comes for some addresses: those of instances
// that are Active with Accept_Mode False (RFC 9568 §6.1, `accept: false`).
//
// A Filter decides what is dropped from when to when, checks that the firewall still
// drops it, and is pure; LinuxKernel does it with an nftables table of its own,
// `inet ripcord`.
package firewall
