// Package configtest has helpers for tests of the configuration and of the commands.
package configtest

// Smallest is the smallest useful configuration, as in the README and the manual page.
const Smallest = `instances:
  - name: inside
    interface: eth0
    vrid: 51
    priority: 150
    addresses: [192.0.2.1/24]
  - name: outside
    interface: eth1
    vrid: 52
    priority: 150
    addresses: [198.51.100.1/24]
groups:
  - name: edge
    members: [inside, outside]
`
