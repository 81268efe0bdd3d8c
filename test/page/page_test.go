// Package page looks at the status page in a headless Chromium: what a person sees, with
// keyboard, phone and screen reader, and what it costs with a thousand instances.
//
// With -shots DIR the tests leave pictures of what they saw.
package page

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/event"
	"ripcord/test/cpu"
)

func TestMain(m *testing.M) {
	code := m.Run()
	stopBrowser()
	os.Exit(code)
}

var shots = flag.String("shots", "", "leave pictures of the page in this directory")

const complete = `performance.getEntriesByName("ripcord-complete").length > 0`

// card is the card of a group, as a selector.
func card(name string) string { return fmt.Sprintf(`.card[data-name="%s"]`, name) }

// opened is a page that shows all of a router.
func opened(t testing.TB, s *served, l look) *tab {
	t.Helper()
	p := open(t, s.base+"/", l)
	p.until(complete)
	p.until(`document.querySelector("#link-text").textContent === "live"`)
	t.Cleanup(func() {
		if all := p.complaints(s.base); len(all) > 0 && !t.Failed() {
			t.Errorf("the page complains, or asks others:\n%s", strings.Join(all, "\n"))
		}
	})
	return p
}

// TestPage: what the router is, who is active, what is at fault, waited for and warned of, the links and
// the checks are seen; nothing is asked of other hosts, and nothing is complained about.
func TestPage(t *testing.T) {
	s := serve(t, site(), "127.0.0.1:0")
	p := opened(t, s, desktop)
	for i, to := range []event.State{event.Backup, event.Active, event.Fault} {
		s.move("uplink", to, []event.Reason{event.HigherPriorityBackup, event.PeerResigned, event.InterfaceDown}[i])
		time.Sleep(300 * time.Millisecond)
	}
	p.until(`document.querySelectorAll(".story").length >= 1`)
	p.shows("h1", "gw1.example.net")
	p.shows("#headline", "1 in fault, 1 starting, 2 active, 1 backup of 5 groups.")
	p.shows("#attention", "transit-v4, transit-v6", "eth2 cannot be used: no carrier (no cable)", "check radius", "no answer within 2s", "proxy_arp is on", "voice", "first result of check gateway", "commands cannot be run: ripcord-runner.service does not run")
	p.shows(card("edge"), "edge", "active", "active-timeout", "inside", "192.0.2.1", "eth0", "VRID 51 IPv4", "priority 150", "outside")
	p.shows(card("uplink"), "fault", "interface-down", "transit-v6", "2001:db8:2::1")
	p.shows(card("management"), "backup", "10.9.0.1", "active: 192.0.2.12 (120)", "probe in use: 192.0.2.12 answers (98 of the last 100)")
	p.shows(`[data-link="eth2"]`, "no carrier", " ago", "netlink", "1 / 3")
	p.shows(`[data-link="eth0"]`, "carrier", "usable", "–")
	p.shows("#check-rows", "radius", "down", "web", "up", "https://192.0.2.80/health")
	p.shows("#moves", "uplink", "backup → ", "fault", "interface-down")
	p.shows("#stories", "a link was lost (transit-v4)", "uplink: begins here")
	if n := eval[int](p, `document.querySelectorAll(".lanes svg rect").length`); n < 3 {
		t.Errorf("the lane of uplink has %d bars", n)
	}
	if title := eval[string](p, "document.title"); title != "▲ 1 in fault · gw1.example.net" {
		t.Errorf("the title is %q", title)
	}
	p.call("Runtime.evaluate", map[string]any{"expression": `document.querySelectorAll(".story")[0].open = true`}, nil)
	p.until(`document.querySelectorAll(".story[open] tr").length > 2`)
	p.shows("#stories", "µs", "removed 203.0.113.1/24")
	p.shot("desktop", true)
}

// TestLive: a transition is seen without a reload, in the card, the headline, the list of
// transitions and the title, and it is read out.
func TestLive(t *testing.T) {
	s := serve(t, site(), "127.0.0.1:0")
	p := opened(t, s, desktop)
	eval[int](p, "window.stillTheSame = 1")
	begun := time.Now()
	s.move("edge", event.Fault, event.InterfaceDown)
	p.until(`document.querySelector('.card[data-name="edge"] .state').textContent === "fault"`)
	took := time.Since(begun)
	p.until(`document.querySelector("#headline").textContent.includes("2 in fault")`)
	p.until(`document.querySelector("#moves").innerText.includes("edge")`)
	p.until(`document.querySelector("#said").textContent.includes("edge is fault: interface-down")`)
	p.until(`document.querySelector("#attention").innerText.includes("eth0 cannot be used")`)
	p.until(`document.querySelector("#stories").innerText.includes("edge: begins here")`)
	if eval[int](p, "window.stillTheSame || 0") != 1 {
		t.Error("the page was loaded anew")
	}
	t.Logf("a transition is seen after %v", took)
	if took > 2*time.Second {
		t.Errorf("a transition is seen only after %v", took)
	}
	s.move("edge", event.Active, event.Recovered)
	p.until(`document.querySelector('.card[data-name="edge"] .state').textContent === "active"`)
}

// TestCutOff: a page that the router does not answer says so, and since when what it shows may be
// wrong; it comes back by itself.
func TestCutOff(t *testing.T) {
	r := site()
	s := serve(t, r, "127.0.0.1:0")
	p := open(t, s.base+"/", desktop)
	p.until(complete + ` && document.querySelector("#link-text").textContent === "live"`)
	s.stop()
	p.until(`document.querySelector("#link-text").textContent === "cut off"`)
	p.until(`!document.querySelector("#cut").hidden`)
	p.shows("#cut", "Cut off from the router since", "there is no connection", "may have changed since")
	p.shows("#link-age", "picture", "old")
	p.shot("cut", false)
	serve(t, r, strings.TrimPrefix(s.base, "http://"))
	p.until(`document.querySelector("#link-text").textContent === "live" && document.querySelector("#cut").hidden && !document.body.classList.contains("stale")`)
	r.move("edge", event.Fault, event.InterfaceDown)
	p.until(`document.querySelector('.card[data-name="edge"] .state').textContent === "fault"`)
	if all := p.complaints(s.base, "ERR_", "net::"); len(all) > 0 {
		t.Errorf("the page complains:\n%s", strings.Join(all, "\n"))
	}
}

// visible lists the cards that are shown.
func (p *tab) visible() []string {
	return eval[[]string](p, `[...document.querySelectorAll(".card")].filter(c => c.checkVisibility()).map(c => c.dataset.name)`)
}

// TestFilter: by name, address, reason and several words; by states; and by both. The
// address of the page keeps the filter.
func TestFilter(t *testing.T) {
	s := serve(t, site(), "127.0.0.1:0")
	p := opened(t, s, desktop)
	for _, c := range []struct {
		text string
		want []string
	}{
		{"EDGE", []string{"edge"}}, {"203.0.113.1", []string{"uplink"}}, {"eth5", []string{"storage"}}, {"interface-down", []string{"uplink"}}, {"vrid 7", []string{"management"}},
		{"active eth1", []string{"edge"}}, {"nothing of the kind", []string{}}, {"", []string{"edge", "uplink", "storage", "management", "voice"}},
	} {
		text, want := c.text, c.want
		eval[bool](p, fmt.Sprintf(`(find => { find.value = %q; find.dispatchEvent(new Event("input")); return true; })(document.querySelector("#find"))`, text))
		time.Sleep(150 * time.Millisecond)
		if got := p.visible(); !slices.Equal(got, want) {
			t.Errorf("%q shows %q, want %q", text, got, want)
		}
		if none := eval[bool](p, `document.querySelector("#none").checkVisibility()`); none != (len(want) == 0) {
			t.Errorf("%q says that nothing matches: %v", text, none)
		}
	}
	click := func(state string) {
		eval[bool](p, fmt.Sprintf(`document.querySelector("[data-state=%s]").click() || true`, state))
	}
	click("fault")
	if got := p.visible(); !slices.Equal(got, []string{"uplink"}) {
		t.Errorf("fault shows %q", got)
	}
	click("backup")
	p.shows("#shown", "2 of 5")
	if hash := eval[string](p, "location.hash"); hash != "#state=fault%2Cbackup" {
		t.Errorf("the address is %q", hash)
	}
	p.call("Page.reload", nil, nil)
	p.until(`document.readyState === "complete" && ` + complete)
	if got := p.visible(); !slices.Equal(got, []string{"uplink", "management"}) {
		t.Errorf("after a reload %q are shown", got)
	}
}

// TestKeyboard: with Tab alone every control is reached and seen to be, in the order of the
// page; / goes to the filter, Escape empties it, Enter opens and closes a card.
func TestKeyboard(t *testing.T) {
	s := serve(t, site(), "127.0.0.1:0")
	p := opened(t, s, desktop)
	s.move("edge", event.Fault, event.InterfaceDown)
	p.until(`document.querySelectorAll(".story").length > 0`)
	var reached []string
	for range 40 {
		p.press("Tab")
		reached = append(reached, eval[string](p, `(e => e.id || e.dataset.state || e.closest(".card")?.dataset.name || e.closest(".story")?.className || e.className || e.textContent)(document.activeElement)`))
		if seen := eval[bool](p, `document.activeElement === document.body || getComputedStyle(document.activeElement).outlineStyle !== "none" || document.activeElement.matches(".skip")`); !seen {
			t.Errorf("one cannot see that %s has the focus", reached[len(reached)-1])
		}
	}
	at := -1
	for _, want := range []string{"skip", "active", "fault", "find", "edge", "uplink", "voice", "1 h", "moves", "scroll", "story"} {
		i := slices.Index(reached, want)
		if i <= at {
			t.Errorf("%s is not reached with Tab in its order: %q", want, reached)
		}
		at = i
	}
	eval[bool](p, `document.activeElement.blur() || true`)
	p.press("/")
	for _, key := range []string{"s", "a", "n"} {
		p.press(key)
	}
	p.until(`document.querySelector("#shown").textContent === "1 of 5"`)
	p.press("Escape")
	p.until(`document.querySelector("#shown").textContent === ""`)
	p.press("Tab")
	before := eval[bool](p, `document.activeElement.parentElement.open`)
	p.press("Enter")
	if after := eval[bool](p, `document.activeElement.parentElement.open`); after == before {
		t.Error("Enter does not open or close a card")
	}
	eval[bool](p, `document.querySelector("#spans [aria-checked=true]").focus() || true`)
	p.press("ArrowRight")
	if got := eval[string](p, `document.activeElement.textContent`); got != "6 h" {
		t.Errorf("the arrow goes to %q", got)
	}
}

// node is one of the accessibility tree.
type node struct {
	Ignored    bool
	Role, Name struct{ Value any }
	Properties []struct {
		Name  string
		Value struct{ Value any }
	}
}

// TestScreenReader: landmarks and headings are there, everything that can be used has a
// name, and each state is said in words.
func TestScreenReader(t *testing.T) {
	s := serve(t, site(), "127.0.0.1:0")
	p := opened(t, s, desktop)
	var tree struct{ Nodes []node }
	p.call("Accessibility.getFullAXTree", nil, &tree)
	roles := map[string][]string{}
	for _, n := range tree.Nodes {
		if n.Ignored {
			continue
		}
		role, name := fmt.Sprint(n.Role.Value), strings.TrimSpace(fmt.Sprint(n.Name.Value))
		if n.Name.Value == nil {
			name = ""
		}
		roles[role] = append(roles[role], name)
		if slices.Contains([]string{"button", "link", "textbox", "searchbox", "radio", "DisclosureTriangle", "region", "img"}, role) && name == "" {
			t.Errorf("a %s has no name", role)
		}
	}
	for role, names := range map[string][]string{
		"heading": {"gw1.example.net", "At fault, waited for", "Groups and instances", "Transitions", "Links", "Checks", "Last failovers"},
		"banner":  {""}, "main": {""}, "alert": nil, "log": {"Transitions as they happen"},
		"searchbox": {"Filter by name, group, interface, address or reason"},
	} {
		for _, name := range names {
			if !slices.Contains(roles[role], name) {
				t.Errorf("there is no %s called %q: %q", role, name, roles[role])
			}
		}
	}
	if all := fmt.Sprint(roles["DisclosureTriangle"]); !strings.Contains(all, "edge active") && !strings.Contains(all, "edge") {
		t.Errorf("the cards are called %s", all)
	}
}

// contrast is the least contrast between a text and what is behind it, by WCAG 2.
const contrast = `(() => {
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const over = (below, colour) => { canvas.fillStyle = below; canvas.fillRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); const d = canvas.getImageData(0, 0, 1, 1).data; return "rgb(" + d[0] + "," + d[1] + "," + d[2] + ")"; };
  const light = c => { const [r, g, b] = c.match(/\d+/g).map(x => { x /= 255; return x <= .03928 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4; }); return .2126 * r + .7152 * g + .0722 * b; };
  const worst = {ratio: 99, text: ""};
  for (const e of document.querySelectorAll("body *")) {
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim());
    if (!own || !e.checkVisibility({visibilityProperty: true}) || e.closest(".sr, svg, .skip, noscript, script, style")) continue;
    let below = [], gradient = false;
    for (let a = e; a; a = a.parentElement) { const s = getComputedStyle(a); if (s.backgroundImage !== "none") gradient = true; below.unshift(s.backgroundColor); }
    const back = below.reduce((x, c) => over(x, c), "rgb(255,255,255)"), a = light(back), b = light(over(back, getComputedStyle(e).color)), ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < worst.ratio) { worst.ratio = ratio; worst.text = e.tagName + "." + e.className + ": " + e.textContent.trim().slice(0, 40); }
  }
  return worst;
})()`

// TestLooks: on a phone nothing has to be moved sideways and controls are large enough for a
// thumb; light and dark, all text stands out from what is behind it.
func TestLooks(t *testing.T) {
	s := serve(t, site(), "127.0.0.1:0")
	s.move("edge", event.Backup, event.HigherPriorityBackup)
	s.move("edge", event.Active, event.PeerResigned)
	s.move("uplink", event.Fault, event.InterfaceDown)
	for name, l := range map[string]look{
		"light": desktop, "dark": {1440, 900, false, true}, "phone": {390, 844, true, false}, "phone-dark": {360, 740, true, true}, "wall": {2560, 1440, false, true},
	} {
		p := open(t, s.base+"/", l)
		p.until(complete + ` && document.querySelectorAll(".story").length > 0 && document.querySelector("#link-text").textContent === "live"`)
		eval[bool](p, `document.querySelector(".story").open = true`)
		time.Sleep(200 * time.Millisecond)
		worst := eval[struct {
			Ratio float64
			Text  string
		}](p, contrast)
		if worst.Ratio < 4.5 {
			t.Errorf("%s: the contrast of %q is %.2f, want 4.5", name, worst.Text, worst.Ratio)
		}
		if wide := eval[int](p, "document.documentElement.scrollWidth - innerWidth"); wide > 0 {
			t.Errorf("%s: the page is %d pixels wider than the screen", name, wide)
		}
		if l.phone {
			if small := eval[[]string](p, `[...document.querySelectorAll("button, summary, input")].filter(e => e.checkVisibility() && e.getBoundingClientRect().height < 32).map(e => e.outerHTML.slice(0, 60))`); len(small) > 0 {
				t.Errorf("%s: too small for a thumb: %q", name, small)
			}
		}
		if dark := eval[bool](p, `getComputedStyle(document.documentElement).backgroundColor === "rgb(15, 21, 25)"`); dark != l.dark {
			t.Errorf("%s: it is dark: %v", name, dark)
		}
		p.shot("looks-"+name, true)
		p.close()
	}
}

// TestForeignText: what comes from a log or a check is text, whatever it is.
func TestForeignText(t *testing.T) {
	r := site()
	evil := `<img src=x onerror="document.title='owned'"><script>document.title="owned"</script>`
	r.warnings["san-a"] = []event.Warning{{Stamp: event.Stamp{At: time.Now()}, Instance: "san-a", Reason: "x", Text: evil}}
	p := opened(t, serve(t, r, "127.0.0.1:0"), desktop)
	r.events.Publish(r.warnings["san-a"][0])
	p.until(`document.querySelector("#stories").innerText.includes("onerror")`)
	p.shows("#attention", evil)
	if n := eval[int](p, `document.querySelectorAll("main img, main script").length`); n != 0 || strings.Contains(eval[string](p, "document.title"), "owned") {
		t.Error("the page took a text for HTML")
	}
}

// busy is how much longer than on an idle machine something takes now, since others work on
// it: the time of a task over that for which it had a processor.
func busy() float64 {
	begun, before := time.Now(), cpu.Used()
	for cpu.Used()-before < 100*time.Millisecond {
		continue
	}
	return max(1, float64(time.Since(begun))/float64(cpu.Used()-before))
}

// TestThousandInstances: with a thousand the page is painted within 300 ms, their cards begin
// to stand within 300 ms too, and it stays usable: a filter, a transition and opening a card
// are each done at once, and no task takes long.
func TestThousandInstances(t *testing.T) {
	s := serve(t, crowd(1000), "127.0.0.1:0")
	open(t, s.base+"/", desktop).until(complete) // the browser is warm from now on, as one on a wall is
	var first, cards, all float64
	for range 5 {
		p := open(t, s.base+"/", desktop)
		p.until(complete + ` && performance.getEntriesByName("first-contentful-paint").length > 0`)
		mark := func(name string) float64 {
			return eval[float64](p, fmt.Sprintf(`performance.getEntriesByName(%q)[0].startTime`, name))
		}
		f, c, a := mark("first-contentful-paint"), mark("ripcord-picture"), mark("ripcord-complete")
		t.Logf("first paint %.0f ms, first cards %.0f ms, all cards %.0f ms", f, c, a)
		if first == 0 || c < cards {
			first, cards, all = f, c, a
		}
		p.close()
	}
	if limit := 300 * busy(); first > limit || cards > limit {
		t.Errorf("at best the first paint comes after %.0f ms, the first cards after %.0f ms, all after %.0f ms: want %.0f ms for the first two", first, cards, all, limit)
	}
	p := opened(t, s, desktop)
	if n := eval[int](p, `document.querySelectorAll(".card").length`); n != 1000 {
		t.Errorf("%d cards", n)
	}
	p.shot("thousand", false)
	took := eval[float64](p, `(async () => { const t = performance.now(); document.querySelector("#find").value = "customer-0777"; document.querySelector("#find").dispatchEvent(new Event("input"));
		while (document.querySelector("#shown").textContent !== "1 of 1,000") await new Promise(requestAnimationFrame); await new Promise(requestAnimationFrame); return performance.now() - t; })()`)
	t.Logf("filtered after %.0f ms", took)
	if took > 300*busy() {
		t.Errorf("the filter takes %.0f ms", took)
	}
	eval[bool](p, `(find => { find.value = ""; find.dispatchEvent(new Event("input")); return true; })(document.querySelector("#find"))`)
	eval[bool](p, `(window.longest = 0, new PerformanceObserver(l => { for (const e of l.getEntries()) window.longest = Math.max(window.longest, e.duration); }).observe({type: "longtask"}), true)`)
	begun := time.Now()
	s.move("customer-0500", event.Fault, event.InterfaceDown)
	p.until(`document.querySelector('.card[data-name="customer-0500"] .state').textContent === "fault"`)
	t.Logf("a transition is seen after %v", time.Since(begun))
	for i := range 200 {
		s.move(fmt.Sprintf("customer-%04d", i), event.Backup, event.HigherPriorityBackup)
	}
	p.until(`document.querySelector('.card[data-name="customer-0199"] .state').textContent === "backup"`)
	time.Sleep(3 * time.Second)
	t.Logf("200 transitions at once are seen; the longest task took %.0f ms", eval[float64](p, "window.longest"))
	if longest := eval[float64](p, "window.longest"); longest > 400*busy() {
		t.Errorf("a task kept the page busy for %.0f ms", longest)
	}
	eval[bool](p, `(document.querySelector('.card[data-name="customer-0500"]').open = true)`)
	p.until(`document.querySelector('.card[data-name="customer-0500"] .members')?.textContent.includes("10.1.2.1")`)
}

// TestPolicy: the page carries its whole policy, which forbids all but itself.
func TestPolicy(t *testing.T) {
	s := serve(t, site(), "127.0.0.1:0")
	p := opened(t, s, desktop)
	blocked := eval[json.RawMessage](p, `(async () => { const out = []; addEventListener("securitypolicyviolation", e => out.push(e.effectiveDirective));
		const s = document.createElement("script"); try { s.textContent = "window.bad = 1"; document.head.append(s); } catch (e) { out.push("trusted-types"); }
		const i = new Image(); i.src = "/v1/status"; try { await fetch("http://127.0.0.2:1/"); } catch {} await new Promise(r => setTimeout(r, 200)); return out.concat(window.bad ? ["ran"] : []); })()`)
	for _, directive := range []string{"connect-src", "img-src"} {
		if !strings.Contains(string(blocked), directive) {
			t.Errorf("%s is not forbidden: %s", directive, blocked)
		}
	}
	if strings.Contains(string(blocked), "ran") {
		t.Error("a script of others ran")
	}
	p.mu.Lock()
	p.events = nil // the complaints were provoked
	p.mu.Unlock()
}
