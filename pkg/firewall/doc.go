// Package firewall makes the kernel drop packets for some addresses: those of instances that are
// Active with Accept_Mode False (RFC 9568 §6.1, `accept: false`).
//
// A Filter decides what is dropped and when, checks that the firewall still drops it, and is pure;
// LinuxKernel drops it with an nftables table of its own, `inet ripcord`.
package firewall
