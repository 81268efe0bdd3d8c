package link

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"ripcord/pkg/rtnl"
	"ripcord/pkg/rtnl/rtnltest"
)

// late is a kernel of which the first answer comes after the asker has given up.
func late(t *testing.T, answerWithin time.Duration, answer func(request netlink.Message) netlink.Message) *rtnl.Conn {
	t.Helper()
	after := answerWithin + time.Second
	k := &rtnltest.Kernel{Answer: func(requests []netlink.Message) []rtnltest.Datagram {
		d := rtnltest.Datagram{After: after, Messages: []netlink.Message{answer(requests[0])}}
		after = 0
		return []rtnltest.Datagram{d}
	}}
	conn, err := rtnl.Dial(rtnl.Config{Patience: answerWithin, Open: k.Open})
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// What the kernel answers late about one link is not taken for its answer about
// another: not the reason of a loss, nor the carrier.
func TestLateAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		state := byte(4) // no cable
		e := &ethtool{conn: late(t, soon, func(request netlink.Message) netlink.Message {
			defer func() { state = 2 }()
			return rtnltest.Reply(request, 20, 0, append([]byte{unix.ETHTOOL_MSG_LINKSTATE_GET_REPLY, 1, 0, 0},
				attributes(t, func(ae *netlink.AttributeEncoder) { ae.Uint8(unix.ETHTOOL_A_LINKSTATE_EXT_STATE, state) })...))
		})}
		if _, _, err := e.extended(1); err == nil {
			t.Error("no error for an answer that did not come")
		}
		time.Sleep(time.Minute)
		for range 3 {
			if x, known, err := e.extended(2); x.State != 2 || !known || err != nil {
				t.Errorf("the reason of the second link: %+v, %v, %v", x, known, err)
			}
		}

		a := &driver{routes: late(t, answerWithin, func(request netlink.Message) netlink.Message {
			index := rtnl.Uint32(request.Data[4:])
			return rtnltest.Reply(request, unix.RTM_NEWLINK, 0, linkMessage(t, 0, index, (index-1)*unix.IFF_LOWER_UP, vlan))
		})}
		if _, err := a.getlink(1); err == nil {
			t.Error("no error for an answer that did not come")
		}
		time.Sleep(time.Minute)
		for range 3 {
			if up, err := a.getlink(2); !up || err != nil {
				t.Errorf("the carrier of the second link: %v, %v", up, err)
			}
		}
	})
}
