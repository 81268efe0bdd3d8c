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
		q.up(p.next - 1)
		return
	}
	if i := p.next - 1; !q.down(i) {
		q.up(i)
	}
}

// Remove removes an item, if it is in the queue.
func (q *Queue[T]) Remove(x T) {
	i, last := x.position().next-1, len(q.items)-1
	if i < 0 {
		return
	}
	if i != last {
		q.swap(i, last)
	}
	q.drop(last)
	if i != last && !q.down(i) {
		q.up(i)
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

func (q *Queue[T]) swap(i, j int) {
	q.items[i], q.items[j] = q.items[j], q.items[i]
	q.items[i].position().next, q.items[j].position().next = i+1, j+1
}

// up moves the item at an index towards the head, past all items that are due later.
func (q *Queue[T]) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !q.items[i].Before(q.items[parent]) {
			return
		}
		q.swap(i, parent)
		i = parent
	}
}

// down moves the item at an index away from the head, and reports whether it moved.
func (q *Queue[T]) down(from int) bool {
	i := from
	for {
		child := 2*i + 1
		if child >= len(q.items) {
			break
		}
		if right := child + 1; right < len(q.items) && q.items[right].Before(q.items[child]) {
			child = right
		}
		if !q.items[child].Before(q.items[i]) {
			break
		}
		q.swap(i, child)
		i = child
	}
	return i > from
}
