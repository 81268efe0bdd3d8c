package addr

import (
	"errors"

	"github.com/mdlayher/netlink"
)

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

// distinctErrors joins errors, of those that read alike one.
func distinctErrors(errs []error) error {
	seen := make(map[string]bool)
	var distinct []error
	for _, err := range errs {
		if err != nil && !seen[err.Error()] {
			seen[err.Error()] = true
			distinct = append(distinct, err)
		}
	}
	return errors.Join(distinct...)
}
