package syntax

import (
	"slices"

	"ripcord/pkg/tree"
)

// Parse returns the statements of a configuration, given the name and text of its first file, and
// all of its files.
func Parse(name string, text []byte, o Options, r *Report) ([]*Statement, []File) {
	reader := newReader(name, text, o, r)
	return reader.parse(), reader.files
}

// A Statement is a keyword with its arguments and an optional block in braces.
type Statement struct {
	Words []Word // empty: a block without a keyword
	line  line   // the text of Words: commands are split in another way
	Block []*Statement
	// Open and Close are the braces of the block, or nil if there is none.
	Open, Close *tree.Position
	Unclosed    bool // a double quote is not closed
}

// At returns the place of the statement.
func (s *Statement) At() tree.Position {
	if len(s.Words) > 0 {
		return s.Words[0].Position
	}
	return *s.Open
}

// Keyword returns the first word, or an empty string if there is none.
func (s *Statement) Keyword() string { return s.Word(0) }

// Word returns the text of a word, or an empty string if there is none.
func (s *Statement) Word(n int) string {
	if n < len(s.Words) {
		return s.Words[n].Text
	}
	return ""
}

// Title returns the first words of the statement, to name it in messages.
func (s *Statement) Title() string {
	switch len(s.Words) {
	case 0:
		return "a block"
	case 1:
		return Show(s.Word(0))
	}
	return s.TitleOf(1)
}

// TitleOf returns the statement with some of its arguments.
func (s *Statement) TitleOf(arguments int) string {
	title := Show(s.Keyword())
	for i := 1; i <= arguments; i++ {
		title += " " + Show(s.Word(i))
	}
	return title
}

// Command returns the words of the statement split as those of a command, with their escapes, and
// reports whether its quotes and escapes are complete.
func (s *Statement) Command() (words []string, ok bool) { return splitAtBlanks(s.line.text, asWritten) }

// A parser turns lines into statements.
type parser struct {
	*reader
	open    []*Statement // the open blocks; the first one contains all
	last    *Statement   // the statement that a block would belong to
	suspect *Statement   // the first block whose closing brace is probably missing
	words   int
}

// add adds a statement to the innermost block and counts its words, unless the block around it is
// not read.
func (p *parser) add(s *Statement, words int) {
	if len(p.open) > 1 && slices.Contains(p.Unread, p.open[1].Keyword()) {
		return
	}
	inner := p.open[len(p.open)-1]
	inner.Block = append(inner.Block, s)
	p.words += words
}

// parse returns the statements of the files.
func (r *reader) parse() []*Statement {
	p := parser{reader: r, open: []*Statement{{}}}
	for {
		l, ok := p.next()
		if !ok {
			break
		}
		l.pieces(p.take)
	}
	if !p.failed {
		p.unclosed()
	}
	return p.open[0].Block
}

// take processes a brace, or a line without one.
func (p *parser) take(piece line) {
	p.beginList(piece)
	inner := p.open[len(p.open)-1]
	switch piece.text {
	case "{":
		if p.last == nil {
			p.last = &Statement{}
			p.add(p.last, 1)
		}
		p.last.Open = &piece.at
		p.open, p.last = append(p.open, p.last), nil
	case "}":
		p.last = nil
		if len(p.open) == 1 {
			p.report.Ignore(piece.at, "check whether a { is missing before it", "} is left out: no block is open")
			return
		}
		inner.Close = &piece.at
		p.mistrust(inner)
		p.open = p.open[:len(p.open)-1]
	default:
		s := &Statement{line: piece}
		closed := false
		if s.Words, closed = piece.split(); !closed {
			s.Unclosed = true
			p.report.Ignore(piece.at, `write the other "`, `a double quote is not closed: the text after it is left out`)
		}
		if len(s.Words) == 0 {
			return
		}
		p.add(s, len(s.Words))
		p.last = s
	}
	if p.words > maxWords && !p.failed {
		p.report.Fail(piece.at, "leave out what is not needed", "the file has more than %d words", maxWords)
		p.failed = true
	}
}

// beginList opens the block of a list whose { is missing, inside another block, as keepalived does:
// with what follows its keyword, up to the next }.
func (p *parser) beginList(piece line) {
	isList := func(s *Statement) bool { return slices.Contains(p.Lists, s.Keyword()) }
	if p.last == nil || piece.text == "{" || len(p.open) == 1 || !isList(p.last) || isList(p.open[len(p.open)-1]) {
		return
	}
	p.report.Ignore(p.last.At(), "write { after it", "%s has no {: ripcord reads the lines up to the next } as its block", p.last.Title())
	p.last.Open = &piece.at
	p.open, p.last = append(p.open, p.last), nil
}

// mistrust remembers the first block whose closing brace is indented like a surrounding block and
// not like itself: probably its own brace is missing.
func (p *parser) mistrust(s *Statement) {
	outer := p.open[len(p.open)-2]
	if p.suspect != nil || len(p.open) < 3 || len(s.Words) == 0 || len(outer.Words) == 0 {
		return
	}
	own, closing, around := s.At(), *s.Close, outer.At()
	if closing.Line != own.Line && closing.Column != own.Column && closing.Column == around.Column && own.Column != around.Column {
		p.suspect = s
	}
}

// unclosed reports a block without a closing brace, at the line that opened it.
func (p *parser) unclosed() {
	if len(p.open) == 1 {
		return
	}
	s := p.open[1]
	if p.suspect != nil {
		s = p.suspect
	}
	p.report.Fail(s.At(), "write the } where the block ends", "the block of %s is opened here and never closed", s.Title())
	p.failed = true
}
