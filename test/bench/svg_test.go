package bench

import (
	"encoding/xml"
	"fmt"
	"math"
	"strings"
	"testing"
)

// The plot, in pixels: two panels side by side, both axes logarithmic.
const (
	panelWidth, panelHeight = 340, 240
	marginLeft, marginTop   = 60, 40
	plotWidth, plotHeight   = 2*(panelWidth+marginLeft) + 20, panelHeight + marginTop + 50
)

// svg plots the CPU time and the memory per instance.
func svg(list []grown) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", plotWidth, plotHeight)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#ffffff"/>`+"\n", plotWidth, plotHeight)
	x, cpu, memory := make([]float64, len(list)), make([]float64, len(list)), make([]float64, len(list))
	for i, g := range list {
		x[i] = float64(g.instances)
		cpu[i], memory[i] = g.perInstance()
	}
	panel(&b, marginLeft, "CPU per instance (µs per second)", "#1f5fa8", x, cpu)
	panel(&b, 2*marginLeft+panelWidth, "memory per instance (KiB)", "#a8431f", x, memory)
	b.WriteString("</svg>\n")
	return b.String()
}

// panel draws y over x. left is the position of its left edge.
func panel(b *strings.Builder, left float64, title, colour string, x, y []float64) {
	xs, ys := scaleOf(x), scaleOf(y)
	px := func(v float64) float64 { return left + xs.at(v)*panelWidth }
	py := func(v float64) float64 { return marginTop + (1-ys.at(v))*panelHeight }
	fmt.Fprintf(b, `<text x="%.0f" y="%d" font-weight="bold">%s</text>`+"\n", left, marginTop-16, title)
	for v := xs.least; v <= xs.most; v *= 10 {
		grid(b, px(v), marginTop, px(v), marginTop+panelHeight)
		fmt.Fprintf(b, `<text x="%.1f" y="%d" text-anchor="middle">%g</text>`+"\n", px(v), marginTop+panelHeight+18, v)
	}
	for v := ys.least; v <= ys.most; v *= 10 {
		grid(b, left, py(v), left+panelWidth, py(v))
		fmt.Fprintf(b, `<text x="%.0f" y="%.1f" text-anchor="end">%g</text>`+"\n", left-6, py(v)+4, v)
	}
	fmt.Fprintf(b, `<text x="%.0f" y="%d" text-anchor="middle">instances</text>`+"\n", left+panelWidth/2, marginTop+panelHeight+38)
	var points []string
	for i := range x {
		points = append(points, fmt.Sprintf("%.1f,%.1f", px(x[i]), py(y[i])))
		fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="3.5" fill="%s"/>`+"\n", px(x[i]), py(y[i]), colour)
	}
	fmt.Fprintf(b, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", strings.Join(points, " "), colour)
}

func grid(b *strings.Builder, x1, y1, x2, y2 float64) {
	fmt.Fprintf(b, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="#d8d8d8"/>`+"\n", x1, y1, x2, y2)
}

// scale is a logarithmic axis between two powers of ten.
type scale struct{ least, most float64 }

// scaleOf returns an axis for the values. Those that are not above 0 are at its lower end.
func scaleOf(values []float64) scale {
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if v > 0 {
			low, high = min(low, v), max(high, v)
		}
	}
	if math.IsInf(low, 0) {
		return scale{1, 10}
	}
	least, most := math.Floor(math.Log10(low)), math.Ceil(math.Log10(high))
	return scale{math.Pow(10, least), math.Pow(10, max(most, least+1))}
}

// at returns the position of a value, from 0 to 1.
func (s scale) at(v float64) float64 {
	return math.Log10(max(v, s.least)/s.least) / math.Log10(s.most/s.least)
}

func TestSVG(t *testing.T) {
	text := svg([]grown{{instances: 1, active: cost{0.001, 12}}, {instances: 4000, active: cost{0.2, 60}, backup: cost{0, 70}}})
	if err := xml.Unmarshal([]byte(text), new(any)); err != nil {
		t.Errorf("the plot is not XML: %v", err)
	}
	if n := strings.Count(text, "<circle"); n != 4 {
		t.Errorf("%d points, want 2 in each panel", n)
	}
	if s := (scale{1, 100}); s.at(10) != 0.5 || s.at(0) != 0 || scaleOf([]float64{3, 400}) != (scale{1, 1000}) {
		t.Error("the axis is wrong")
	}
}
