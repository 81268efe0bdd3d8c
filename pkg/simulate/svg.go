package simulate

import (
	"fmt"
	"html"
	"strings"
	"time"

	"ripcord/pkg/config/schema"
)

// The measures of the picture in pixels.
const (
	svgMargin  = 20
	svgLanes   = 760 // the width of the lanes
	svgGlyph   = 8   // the greatest width of a letter of a name
	svgGap     = 12  // the gap behind a name, and between the signs of two acts
	svgRow     = 30
	svgBar     = 20
	svgTop     = 78
	svgLine    = 17 // the height of a line of the list of acts
	svgInstant = 90 // where the instants of that list end
	svgLeast   = 2  // the least width of a bar, so that a span of no length is visible
)

// colours are the colours of the states. The states that serve are dark.
var colours = map[string]string{
	"active": "#1f6f43", "backup": "#d5e8dc", "fault": "#e8a33d", "initialize": "#e6e6e6", "paused": "#9a9a9a", "off": "#ffffff",
	"nobody": "#c62828", "two": "#7b1fa2",
}

// servedColours tell the routers apart in the lanes of the services.
var servedColours = []string{"#1565c0", "#00838f", "#5d4037", "#558b2f", "#6a4ca0", "#ad6b00"}

// SVG returns the result as a self-contained picture.
func (r *Result) SVG() string {
	s := svg{Result: r}
	s.measure()
	rows := len(r.Groups) + len(r.Services)
	height := svgTop + rows*svgRow + 40 + len(r.Acts)*svgLine + 40
	fmt.Fprintf(&s, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"12\">\n",
		s.left+svgLanes+svgMargin, height)
	fmt.Fprintf(&s, "<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n")
	s.text(svgMargin, 22, "font-size=\"15\" font-weight=\"bold\"", s.verdict())
	s.axis(svgTop + rows*svgRow)
	y := svgTop
	for _, l := range r.Groups {
		s.lane(y, l.Router, l.Group)
		for _, v := range l.States {
			s.bar(y, v.From, v.To, colours[v.State], v.State, v.State+" "+l.Router)
		}
		y += svgRow
	}
	for i := range r.Services {
		s.service(y, &r.Services[i])
		y += svgRow
	}
	s.legend(y + 12)
	s.acts(y + 44)
	s.WriteString("</svg>\n")
	return s.String()
}

// svg is the picture while it is drawn.
type svg struct {
	*Result
	strings.Builder
	second, left int // where the second column of names and where the lanes begin
}

// measure computes the widths of the columns of names.
func (s *svg) measure() {
	first, second := 0, 0
	for _, l := range s.Groups {
		first, second = max(first, runes(l.Router)), max(second, runes(l.Group))
	}
	for i := range s.Services {
		first, second = max(first, runes(s.Services[i].Segment)), max(second, runes(s.Services[i].title()))
	}
	s.second = svgMargin + first*svgGlyph + svgGap
	s.left = s.second + second*svgGlyph + svgGap
}

// x returns the horizontal position of an instant.
func (s *svg) x(at time.Duration) float64 {
	return float64(s.left) + float64(at)/float64(s.Length)*svgLanes
}

// text writes a text.
func (s *svg) text(x float64, y int, attributes, text string) {
	fmt.Fprintf(s, "<text x=\"%.1f\" y=\"%d\" %s>%s</text>\n", x, y, attributes, html.EscapeString(text))
}

// axis draws the times, and a vertical line for each act.
func (s *svg) axis(bottom int) {
	for _, at := range ticks(s.Length, 12) {
		fmt.Fprintf(s, "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" stroke=\"#e0e0e0\"/>\n", s.x(at), svgTop-14, s.x(at), bottom)
		s.text(s.x(at), svgTop-34, "text-anchor=\"middle\" fill=\"#616161\"", schema.Short(at))
	}
	free := 0.0 // where the next sign may be drawn
	for i, a := range s.Acts {
		at := max(s.x(a.At), free)
		free = at + svgGap
		fmt.Fprintf(s, "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" stroke=\"#212121\" stroke-dasharray=\"3 3\"/>\n", s.x(a.At), svgTop-12, s.x(a.At), bottom)
		s.text(at, svgTop-16, "text-anchor=\"middle\" font-weight=\"bold\"", number(i))
	}
}

// lane writes the names in front of a lane.
func (s *svg) lane(y int, first, second string) {
	s.text(svgMargin, y+svgBar-5, "font-weight=\"bold\"", first)
	s.text(float64(s.second), y+svgBar-5, "fill=\"#424242\"", second)
}

// bar draws a period, with a word in it if the word fits, and a title for the tooltip of a
// browser.
func (s *svg) bar(y int, from, to time.Duration, fill, word, title string) {
	x, wide := s.x(from), max(s.x(to)-s.x(from), svgLeast)
	stroke := ""
	if fill == colours["off"] {
		stroke = " stroke=\"#bdbdbd\" stroke-dasharray=\"2 2\""
	}
	fmt.Fprintf(s, "<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"%s\"%s><title>%s</title></rect>\n", x, y, wide, svgBar, fill, stroke,
		html.EscapeString(fmt.Sprintf("%s: %s to %s, %s", title, instant(from), instant(to), written(to-from))))
	if float64(len(word))*6+6 < wide {
		ink := "#ffffff"
		switch fill {
		case colours["backup"], colours["initialize"], colours["off"], colours["fault"]:
			ink = "#212121"
		}
		s.text(x+4, y+svgBar-6, "fill=\""+ink+"\" font-size=\"11\"", word)
	}
}

// service draws who serves some addresses, with outages and splits above.
func (s *svg) service(y int, of *Service) {
	s.lane(y, of.Segment, of.title())
	for _, v := range of.Served {
		if len(v.Routers) > 0 {
			s.bar(y, v.From, v.To, s.colour(v.Routers[0]), v.Routers[0], "served by "+listed(v.Routers))
		}
	}
	for _, o := range of.Outages {
		s.bar(y, o.From, o.To, colours["nobody"], written(o.Long()), "no router serves")
	}
	for _, o := range of.Splits {
		s.bar(y, o.From, o.To, colours["two"], written(o.Long()), listed(o.Routers)+" serve")
	}
}

// colour returns the colour of a router.
func (s *svg) colour(router string) string {
	for i, name := range s.Routers {
		if name == router {
			return servedColours[i%len(servedColours)]
		}
	}
	return "#000000"
}

func (s *svg) legend(y int) {
	x := float64(s.left)
	for _, of := range []struct{ colour, word string }{
		{colours["active"], "active"}, {colours["backup"], "backup"}, {colours["fault"], "fault"}, {colours["initialize"], "initialize"},
		{colours["paused"], "paused"}, {colours["nobody"], "no router serves"}, {colours["two"], "two routers serve"},
	} {
		fmt.Fprintf(s, "<rect x=\"%.1f\" y=\"%d\" width=\"12\" height=\"12\" fill=\"%s\"/>\n", x, y, of.colour)
		s.text(x+17, y+10, "fill=\"#424242\"", of.word)
		x += 32 + 7*float64(len(of.word))
	}
}

// acts lists the acts.
func (s *svg) acts(y int) {
	for i, a := range s.Acts {
		x := float64(s.left)
		s.text(x, y+i*svgLine, "font-weight=\"bold\"", number(i))
		s.text(x+svgInstant, y+i*svgLine, "text-anchor=\"end\" fill=\"#616161\"", schema.Short(a.At))
		s.text(x+svgInstant+svgGap, y+i*svgLine, "fill=\"#212121\"", a.Text)
	}
}
