package addr

import (
	"errors"

	"github.com/mdlayher/netlink"
)

// batches asks for all operations at once and returns the distinct errors.
func (k *netlinkKernel) batches(ops []Op, message func(Op) (netlink.Message, error)) error {
	messages := make([]netlink.Message, 0, len(ops))
	for _, op := range ops {
		m, err := message(op)
		if err != nil {
			return err
		}
		messages = append(messages, m)
	}
	return distinctErrors(k.conn.Batch(messages))
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
