// Package manpage writes manual pages, in the macros of man(7), from what the code and
// the pages in docs/ say already. The tests that make a page keep its file in deploy/man
// as it has to be, with pkg golden.
package manpage

import (
	"fmt"
	"regexp"
	"strings"
)

// Page is one manual page under construction.
type Page struct {
	b       strings.Builder
	heading int // the length of the page behind its last heading
}

// New begins a page: its name, its section, and what it is about in a few words. What
// makes it is named in a comment.
func New(name string, section int, about, madeBy string) *Page {
	p := &Page{}
	fmt.Fprintf(&p.b, ".\\\" Made by %s.\n", madeBy)
	// mandoc wants a date, and a page that changed its date whenever it is made could
	// not be compared with what it should be.
	fmt.Fprintf(&p.b, ".TH %s %d 2026-11-27 ripcord \"ripcord\"\n.nh\n.ad l\n.SH NAME\n%s \\- %s\n",
		strings.ToUpper(name), section, name, roff(about))
	return p
}

// String returns the page.
func (p *Page) String() string { return p.b.String() }

// Section begins a section.
func (p *Page) Section(title string) { p.head("SH", strings.ToUpper(title)) }

// Subsection begins a part of a section.
func (p *Page) Subsection(title string) { p.head("SS", title) }

func (p *Page) head(macro, title string) {
	fmt.Fprintf(&p.b, ".%s %s\n", macro, quoted(title))
	p.heading = p.b.Len()
}

// paragraph begins one; a heading has done so already.
func (p *Page) paragraph() {
	if p.b.Len() > p.heading {
		p.b.WriteString(".PP\n")
	}
}

// Item writes a term and what it means, in Markdown. Further paragraphs follow.
func (p *Page) Item(term, meaning string, more ...string) {
	fmt.Fprintf(&p.b, ".TP\n%s\n%s", line(term), lines(meaning))
	for _, m := range more {
		p.b.WriteString(".IP\n" + lines(m))
	}
}

// Code writes lines as they are.
func (p *Page) Code(text string) {
	p.paragraph()
	p.b.WriteString(".in +4n\n.EX\n")
	for l := range strings.Lines(strings.Trim(text, "\n") + "\n") {
		p.b.WriteString(guarded(roff(strings.TrimSuffix(l, "\n"))) + "\n")
	}
	p.b.WriteString(".EE\n.in\n")
}

// Text writes paragraphs of Markdown, as far as the pages of docs/ use it: headings, lists,
// tables (the first column is the term), blocks of code.
func (p *Page) Text(markdown string) {
	for _, block := range blocks(markdown) {
		first := block[0]
		switch {
		case strings.HasPrefix(first, "```"):
			p.Code(strings.Join(block[1:len(block)-1], "\n"))
		case strings.HasPrefix(first, "    "):
			for i := range block {
				block[i] = strings.TrimPrefix(block[i], "    ")
			}
			p.Code(strings.Join(block, "\n"))
		case strings.HasPrefix(first, "#"):
			p.Subsection(strings.TrimLeft(first, "# "))
		case strings.HasPrefix(first, "- "):
			for _, item := range joined(block, "- ") {
				p.b.WriteString(".IP \\(bu 2\n" + lines(item))
			}
		case strings.HasPrefix(first, "|"):
			for _, row := range block[2:] {
				cells := Cells(row)
				p.Item(cells[0], strings.Join(cells[1:], " "))
			}
		default:
			p.paragraph()
			p.b.WriteString(lines(strings.Join(block, " ")))
		}
	}
}

// blocks are the paragraphs of a text, each as its lines, without comments and anchors.
func blocks(markdown string) (all [][]string) {
	var block []string
	end := func() {
		if len(block) > 0 {
			all = append(all, block)
		}
		block = nil
	}
	fenced := false
	for _, l := range strings.Split(markdown, "\n") {
		fence := strings.HasPrefix(l, "```")
		switch {
		case fence && !fenced:
			end()
			fenced, block = true, []string{l}
		case fence:
			block = append(block, l)
			end()
			fenced = false
		case fenced:
			block = append(block, l)
		case strings.TrimSpace(l) == "", strings.HasPrefix(l, "<"):
			end()
		default:
			block = append(block, l)
		}
	}
	end()
	return all
}

// joined are the items of a list, those that go on over several lines put together.
func joined(block []string, mark string) (items []string) {
	for _, l := range block {
		if text, begins := strings.CutPrefix(l, mark); begins {
			items = append(items, text)
		} else if len(items) > 0 {
			items[len(items)-1] += " " + strings.TrimSpace(l)
		}
	}
	return items
}

// Cells are those of a row of a table.
func Cells(row string) (cells []string) {
	const bar = "\x00"
	row = strings.ReplaceAll(strings.Trim(strings.TrimSpace(row), "|"), `\|`, bar)
	for _, c := range strings.Split(row, "|") {
		cells = append(cells, strings.TrimSpace(strings.ReplaceAll(c, bar, "|")))
	}
	return cells
}

// Part returns the text of a page below a heading, up to the next of the same level.
func Part(markdown, heading string) string {
	level := heading[:strings.IndexByte(heading, ' ')+1]
	_, rest, ok := strings.Cut("\n"+markdown, "\n"+heading+"\n")
	if !ok {
		panic("there is no heading " + heading)
	}
	part, _, _ := strings.Cut(rest, "\n"+level)
	return part
}

// Table returns the table of a page whose header begins with that cell.
func Table(markdown, header string) string {
	start := strings.Index(markdown, "\n| "+header+" |")
	if start < 0 {
		panic("there is no table of " + header)
	}
	table, _, _ := strings.Cut(markdown[start+1:], "\n\n")
	return table
}

var (
	link  = regexp.MustCompile(`\[([^\]]*)\]\(([^)]*)\)`)
	other = regexp.MustCompile(`^(?:\.\./)?([a-z-]+)\.md`)
	code  = regexp.MustCompile("`([^`]*)`")
	bold  = regexp.MustCompile(`\*\*([^*]*)\*\*`)
)

// widest is the length that mandoc recommends for lines of source.
const widest = 79

// lines writes a paragraph, each sentence on lines of its own, so that a change of one
// changes few lines.
func lines(markdown string) string {
	text := line(markdown)
	for _, end := range []string{". ", ": ", "; "} {
		text = strings.ReplaceAll(text, end, end[:1]+"\n")
	}
	var b strings.Builder
	for sentence := range strings.Lines(text) {
		width := 0
		for _, word := range strings.Fields(sentence) {
			switch {
			case width == 0:
				word = guarded(word)
			case width+1+len(word) > widest:
				b.WriteString("\n")
				word, width = guarded(word), 0
			default:
				b.WriteString(" ")
			}
			b.WriteString(word)
			width += len(word) + 1
		}
		b.WriteString("\n")
	}
	return b.String()
}

// line writes inline Markdown. A link keeps its text, or becomes the name of the page
// where the text is no more than its file.
func line(markdown string) string {
	markdown = link.ReplaceAllStringFunc(markdown, func(s string) string {
		m := link.FindStringSubmatch(s)
		if page := other.FindStringSubmatch(m[2]); page != nil && m[1] == page[0] {
			return "`/usr/share/doc/ripcord/" + page[1] + ".md`"
		}
		return m[1]
	})
	const open, shut = "\x01", "\x02"
	markdown = code.ReplaceAllString(markdown, open+"$1"+shut)
	markdown = bold.ReplaceAllString(markdown, open+"$1"+shut)
	return strings.NewReplacer(open, `\fB`, shut, `\fR`).Replace(roff(markdown))
}

// roff writes text so that it comes out as it stands.
func roff(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '\\':
			b.WriteString(`\e`)
		case r == '-':
			b.WriteString(`\-`)
		case r == '~':
			b.WriteString(`\(ti`)
		case r == '^':
			b.WriteString(`\(ha`)
		case r == '\'':
			b.WriteString(`\(aq`)
		case r == '`':
			b.WriteString(`\(ga`)
		case r > 126:
			fmt.Fprintf(&b, `\[u%04X]`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// guarded keeps a line that begins like a request from being one.
func guarded(l string) string {
	if strings.HasPrefix(l, ".") {
		return `\&` + l
	}
	return l
}

// quoted is an argument of a macro.
func quoted(text string) string {
	return `"` + strings.ReplaceAll(line(text), `"`, `\(dq`) + `"`
}
