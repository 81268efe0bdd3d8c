package neigh

import (
	"testing"

	"ripcord/test/netns"
)

func TestMain(m *testing.M) { netns.Main(m) }

var (
	ip      = netns.IP
	cable   = netns.Cable
	indexOf = netns.Index
)
