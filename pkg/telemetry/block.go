package telemetry

import (
	"bytes"
	"compress/flate"
	"io"
	"slices"
	"time"
)

// block holds consecutive lines of the log.
type block struct {
	at     []int64 // when each line was written, in Unix time in nanoseconds
	text   []byte  // all lines; packed: compressed
	size   int     // the length of all lines
	packed bool
}

// takes reports whether the line fits into the block.
func (b *block) takes(line []byte) bool { return !b.packed && b.size+len(line) <= maxLine }

// add adds a line, which ends in a newline and contains no other.
func (b *block) add(at time.Time, line []byte) {
	b.at = append(b.at, at.UnixNano())
	b.text = append(b.text, line...)
	b.size += len(line)
}

// lines returns all lines, which must not be changed.
func (b *block) lines() [][]byte {
	text := b.text
	if b.packed {
		text, _ = io.ReadAll(flate.NewReader(bytes.NewReader(b.text))) // reading our own output from memory does not fail
	}
	return slices.Collect(bytes.Lines(text))
}

// pack compresses the block.
func (b *block) pack(p *packer) {
	if !b.packed {
		b.text, b.packed = p.pack(b.text), true
		b.at = slices.Clip(slices.Clone(b.at))
	}
}

// packer compresses several texts. It holds most of a megabyte once it has compressed one. The zero
// value is ready.
type packer struct {
	out    bytes.Buffer
	writer *flate.Writer
}

func (p *packer) pack(text []byte) []byte {
	p.out.Reset()
	if p.writer == nil {
		p.writer, _ = flate.NewWriter(&p.out, flate.DefaultCompression) // only an unknown level is an error
	}
	p.writer.Reset(&p.out)
	_, _ = p.writer.Write(text) // writing to memory does not fail
	_ = p.writer.Close()
	return bytes.Clone(p.out.Bytes())
}
