package deadline

// Item is an element of a Queue: a pointer to a struct that embeds Position.
type Item[T any] interface {
	// Before reports whether the item is due before another. The answer may change only if Put is
	// called after that.
	Before(other T) bool
	position() *Position
}

// Position is the position of an item in its queue. The zero value means that it is in none.
type Position struct{ next int } // index + 1

func (p *Position) position() *Position { return p }

// Queued reports whether the item is in a queue.
func (p *Position) Queued() bool { return p.next > 0 }

// Queue holds items, with the first due at its head. An item is in one queue at most. It is a
// binary heap whose items know their index, so that each can be moved and removed. The zero value
// is empty.
type Queue[T Item[T]] struct{ items []T }

// Len returns the number of items.
func (q *Queue[T]) Len() int { return len(q.items) }

// First returns the item that is due first; the queue must not be empty.
func (q *Queue[T]) First() T { return q.items[0] }

// All calls yield for all items, starting with the first one, the others in any order.
func (q *Queue[T]) All(yield func(T) bool) {
	for _, x := range q.items {
		if !yield(x) {
			return
		}
	}
}

// Put adds an item, or moves it to its present position.
func (q *Queue[T]) Put(x T) {
	p := x.position()
	if !p.Queued() {
		q.items = append(q.items, x)
		p.next = len(q.items)
		q.up(p.next-1, 0)
		return
	}
	if i := p.next - 1; !q.down(i) {
		q.up(i, 0)
	}
}

// Remove removes an item, if it is in the queue.
func (q *Queue[T]) Remove(x T) {
	i, last := x.position().next-1, len(q.items)-1
	if i < 0 {
		return
	}
	moved := q.items[last]
	q.drop(last)
	if i == last {
		return
	}
	x.position().next = 0
	if q.set(i, moved); !q.down(i) {
		q.up(i, 0)
	}
}

// Keep removes the items for which kept returns false.
func (q *Queue[T]) Keep(kept func(T) bool) {
	n := 0
	for _, x := range q.items {
		if kept(x) {
			q.items[n] = x
			x.position().next = n + 1
			n++
		} else {
			x.position().next = 0
		}
	}
	clear(q.items[n:])
	q.items = q.items[:n]
	for i := n/2 - 1; i >= 0; i-- {
		q.down(i)
	}
}

// drop removes the last item.
func (q *Queue[T]) drop(last int) {
	var none T
	q.items[last].position().next = 0
	q.items[last] = none
	q.items = q.items[:last]
}

// up moves the item at an index towards the head, past all items that are due later, but no further
// than to the index top, which is on its way.
func (q *Queue[T]) up(i, top int) {
	x := q.items[i]
	for i > top {
		parent := (i - 1) / 2
		if !x.Before(q.items[parent]) {
			break
		}
		q.set(i, q.items[parent])
		i = parent
	}
	q.set(i, x)
}

// down moves the item at an index away from the head, and reports whether it moved. Most items belong
// near the end, since they have just been put off. So the items on the way to the end first move up,
// and then the item is moved up from there: that takes half the comparisons.
func (q *Queue[T]) down(from int) bool {
	x, i := q.items[from], from
	for {
		child := 2*i + 1
		if child >= len(q.items) {
			break
		}
		if right := child + 1; right < len(q.items) && q.items[right].Before(q.items[child]) {
			child = right
		}
		q.set(i, q.items[child])
		i = child
	}
	q.items[i] = x
	q.up(i, from)
	return x.position().next-1 != from
}

// set puts an item at an index.
func (q *Queue[T]) set(i int, x T) {
	q.items[i] = x
	x.position().next = i + 1
}
