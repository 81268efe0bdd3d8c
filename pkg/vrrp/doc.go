// Package vrrp decides who owns the addresses: the state machine of a group of
// virtual routers and its members (RFC 9568 §6, with Fault).
package vrrp
