// Package configtest holds what the tests of the configuration and of the commands share.
package configtest

// Smallest is the smallest useful configuration, as the README and the manual page have it.
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
