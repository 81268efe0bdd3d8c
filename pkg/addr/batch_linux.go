package addr

import "github.com/mdlayher/netlink"

// encode returns the message of each operation.
func encode(ops []Op, message func(Op) (netlink.Message, error)) ([]netlink.Message, error) {
	messages := make([]netlink.Message, 0, len(ops))
	for _, op := range ops {
		m, err := message(op)
		if err != nil {
			return nil, err
		}
		messages = append(messages, m)
	}
	return messages, nil
}
