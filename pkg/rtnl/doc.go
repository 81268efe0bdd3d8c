// Package rtnl sends requests to the kernel over netlink, in most cases rtnetlink, and decodes its
// answers. The packages above it send requests only through it.
//
// A Conn handles one request at a time:
//
//   - Execute sends one request and returns its answer.
//   - Dump lists, and lists again when the kernel reports that the list changed
//     meanwhile (NLM_F_DUMP_INTR).
//   - Batch sends many requests in one system call and returns an error for each.
//   - Transact sends requests to nfnetlink of which all take effect or none.
//
// The contract of a Conn:
//
//  1. An answer is that of the request or an error. A message with another
//     sequence number, which answers an earlier request, is skipped.
//  2. The time for the answer counts from the end of the send, since the kernel
//     executes most requests within that system call and may wait there for its
//     RTNL lock. Each datagram of an answer restarts it.
//  3. After a timeout, an overrun (ENOBUFS) or any other error of the socket the
//     socket is closed, and the next request opens another: what the kernel sends
//     late cannot be taken for an answer.
//  4. An error that ErrUnknown matches leaves open whether the request was carried
//     out. Any other error is the kernel's refusal.
//
// Deletions watches what other programs delete, with the filter in the kernel.
//
// The decoders (DecodeAddress, DecodeLink, ...) read only the attributes they name.
// They skip attributes they do not know, and read of a longer value the part they
// know: neither a new kernel nor what other programs configured makes them fail.
package rtnl
