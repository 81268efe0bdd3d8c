"use strict";
// The status page: a picture of GET /v1/status, kept current by GET /v1/events. Nothing that
// the router says is ever taken for HTML: all text goes through textContent.

const statusEvery = 5000; // ms between two pictures while nothing happens
const patience = 8000; // ms for an answer
const staleAfter = 15000; // ms: a picture that is older is shown as old
const chunk = 60, laterChunk = 250; // cards that are made at a time: first few, so that they are seen soon
const manyCards = 40; // from so many on, cards are small and closed
const openMembers = 12; // a group of more begins closed
const mostMoves = 400, shownMoves = 60, mostLanes = 24;
const states = ["active", "backup", "fault", "initialize"];
const spans = [["15 min", 15], ["1 h", 60], ["6 h", 360], ["24 h", 1440]];

const $ = id => document.getElementById(id);
const svgNS = "http://www.w3.org/2000/svg";

// el makes an element. Of its children, text is text.
function el(tag, attributes, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {}))
    if (value !== undefined && value !== false) e.setAttribute(name, value === true ? "" : value);
  e.append(...children.filter(c => c !== undefined && c !== null && c !== ""));
  return e;
}
function icon(name) {
  const s = document.createElementNS(svgNS, "svg"), use = document.createElementNS(svgNS, "use");
  s.setAttribute("class", "i " + name);
  s.setAttribute("aria-hidden", "true");
  use.setAttribute("href", "#s-" + (name === "error" ? "fault" : name === "waiting" ? "initialize" : name));
  s.append(use);
  return s;
}
const count = (n, thing) => n === 1 ? "1 " + thing : n.toLocaleString("en") + " " + thing + "s";

// --- Time: that of the router, by the Date of its answers.
let clockOffset = 0;
const now = () => Date.now() + clockOffset;
function span(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 60) return s + " s";
  if (s < 3600) return Math.floor(s / 60) + " min";
  if (s < 86400) return Math.floor(s / 3600) + " h " + Math.floor(s % 3600 / 60) + " min";
  return Math.floor(s / 86400) + " d " + Math.floor(s % 86400 / 3600) + " h";
}
const clock = t => new Date(t).toLocaleTimeString("en-GB");
function moment(t) {
  const d = new Date(t), today = new Date(now()).toDateString() === d.toDateString();
  return (today ? "" : d.toLocaleDateString("en-CA") + " ") + clock(t);
}
// age makes an element that says how long ago something was, and goes on to be right.
function age(t) {
  const e = el("time", {datetime: t, title: t, class: "age"});
  e.since = Date.parse(t);
  return retime(e);
}
function retime(e) {
  const text = span(now() - e.since);
  if (e.textContent !== text) e.textContent = text;
  return e;
}

// --- The picture, and what is shown of it.
let picture = null, pictureAt = 0;
let wanted = {text: "", states: new Set()};
const cards = new Map(); // by the key of a group

// groupsOf returns what moves as one: the groups, and instances outside any, as the
// configuration has them.
function groupsOf(p) {
  const named = new Map(p.groups.map(g => [g.name, {key: "group " + g.name, ...g, members: []}])), all = [];
  for (const i of p.instances) {
    const g = i.group && named.get(i.group);
    if (!g) {
      all.push({key: i.name, name: i.name, state: i.state, since: i.since, reason: i.last_event, members: [i], trackers: [], alone: true});
      continue;
    }
    if (!g.members.length) all.push(g);
    g.members.push(i);
  }
  return all;
}
const troubled = i => i.missing.length + i.warnings.length > 0 || !!i.holding || i.last_standing;

function show() {
  const groups = groupsOf(picture);
  document.title = title(groups);
  $("host").textContent = picture.host || "ripcord";
  $("daemon").replaceChildren("ripcord " + picture.version, ...(picture.since ? [", up ", age(picture.since)] : []));
  showHeadline(groups);
  setFavicon(groups);
  showAttention();
  showStates(groups);
  showLinks();
  showChecks();
  showCards(groups);
  drawLanes();
}
function tally(groups) {
  const n = {active: 0, backup: 0, fault: 0, initialize: 0};
  for (const g of groups) n[g.state]++;
  return n;
}
function title(groups) {
  const n = tally(groups);
  return (n.fault ? "▲ " + n.fault + " in fault" : n.active + " active") + " · " + (picture.host || "ripcord");
}
const stateWords = {fault: "in fault", initialize: "starting", active: "active", backup: "backup"};
// showHeadline says it all in one sentence, the worst first.
function showHeadline(groups) {
  const n = tally(groups), all = groups.length, thing = groups.every(g => g.alone) ? "instance" : "group";
  const there = ["fault", "initialize", "active", "backup"].filter(s => n[s]), word = s => el("span", {class: s}, stateWords[s]);
  const said = [];
  if (!all) said.push("No instances: the configuration names none.");
  else if (all === 1) said.push(groups[0].name + " is ", word(there[0]), ".");
  else if (there.length === 1) said.push("All " + count(all, thing) + " are ", word(there[0]), ".");
  else {
    there.forEach((s, i) => said.push((i ? ", " : "") + n[s].toLocaleString("en") + " ", word(s)));
    said.push(" of " + count(all, thing) + ".");
  }
  replaceIfChanged($("headline"), said, JSON.stringify([n, all === 1 && groups[0].name]));
}
function setFavicon(groups) {
  const n = tally(groups), colour = n.fault ? "%23c5352b" : n.initialize ? "%23a9812f" : "%230f8f63";
  const shape = n.fault ? "<path d='M8 1l7.5 14H.5z' fill='" + colour + "'/>" : "<circle cx='8' cy='8' r='7' fill='" + colour + "'/>";
  const href = "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'>" + shape + "</svg>", tag = document.querySelector("link[rel=icon]");
  if (tag.getAttribute("href") !== href) tag.setAttribute("href", href);
}

// --- What needs a person.
function attention() {
  const all = [], known = new Map();
  // What is the same of many is told once.
  const add = (kind, who, what, since) => {
    const same = known.get(kind + what);
    if (same) return same.who.push(who);
    const note = {kind, who: [who], what, since};
    known.set(kind + what, note);
    all.push(note);
  };
  for (const i of picture.instances) {
    for (const f of i.faults) add("fault", i.name, f.text, f.since);
    if (i.last_standing) add("fault", i.name, "serves as the last one standing, with priority 1: its group does not serve as a whole");
    for (const m of i.missing) add("fault", i.name, "lacks " + m);
    if (i.holding) add("backup", i.name, "could be active and waits: " + i.holding);
    for (const w of i.warnings) add("warn", i.name, w.text, w.since);
    if (i.state === "initialize") for (const t of i.trackers) if (t.state === "waiting") add("initialize", i.name, "waits for the first result of " + t.kind + " " + t.name, t.since);
  }
  for (const w of picture.static_warnings || []) add("warn", "(static)", w.text, w.since);
  for (const w of picture.machine_warnings || []) add("warn", "(machine)", w.text, w.since);
  for (const g of picture.groups) if (g.state === "initialize") for (const t of g.trackers) if (t.state === "waiting") add("initialize", g.name, "waits for the first result of " + t.kind + " " + t.name, t.since);
  for (const k of picture.checks) if (k.state === "down") add("warn", "check " + k.name, k.error || k.checks + " fails", k.since);
  if (picture.runner && picture.runner.unkept) add("warn", "runner", "nobody would start ripcord runner again: restart ripcord");
  if (picture.runner && picture.runner.error) add("fault", "runner", "commands cannot be run: " + picture.runner.error, picture.runner.since);
  if (picture.listen_error) add("warn", "control.listen", picture.listen_error);
  const rank = {fault: 0, warn: 1, backup: 2, initialize: 3};
  return all.sort((a, b) => rank[a.kind] - rank[b.kind]);
}
function showAttention() {
  const all = attention(), most = 12;
  const rows = all.slice(0, most).map(n => el("li", {class: n.kind}, icon(n.kind), el("b", {}, n.who.slice(0, 4).join(", ") + (n.who.length > 4 ? " and " + (n.who.length - 4).toLocaleString("en") + " more" : "")),
    el("span", {class: "what"}, el("span", {class: "sr"}, n.kind === "fault" ? "fault: " : n.kind === "warn" ? "warning: " : "waits: "), n.what, n.since && age(n.since))));
  if (all.length > most) rows.push(el("li", {class: "calm"}, "and " + (all.length - most).toLocaleString("en") + " more: see the groups, filtered by state."));
  if (!all.length) rows.push(el("li", {class: "calm"}, "Nothing is at fault, and nothing is waited for."));
  replaceIfChanged($("attention-list"), rows, JSON.stringify(all));
}
// replaceIfChanged leaves what did not change as it is, so that nothing flickers and no
// focus or selection is lost.
function replaceIfChanged(parent, children, sign) {
  if (parent.sign === sign) return;
  parent.sign = sign;
  parent.replaceChildren(...children);
}

// --- Filters.
function showStates(groups) {
  const n = tally(groups), trouble = groups.filter(g => g.members.some(troubled)).length;
  const all = [...states.map(s => [s, n[s]]), ["warn", trouble]].filter(([s, k]) => k || s === "active" || s === "fault" || wanted.states.has(s));
  const buttons = $("states");
  if (buttons.sign === JSON.stringify(all)) return;
  const focused = document.activeElement && document.activeElement.dataset.state;
  replaceIfChanged(buttons, all.map(([s, k]) => {
    const b = el("button", {type: "button", "data-state": s, "aria-pressed": String(wanted.states.has(s))}, icon(s), s === "warn" ? "warnings " : s + " ", el("b", {}, k.toLocaleString("en")));
    b.onclick = () => {
      if (!wanted.states.delete(s)) wanted.states.add(s);
      b.setAttribute("aria-pressed", String(wanted.states.has(s)));
      filterChanged();
    };
    return b;
  }), JSON.stringify(all));
  if (focused) for (const b of buttons.children) if (b.dataset.state === focused) b.focus();
}
function filterChanged() {
  const hash = new URLSearchParams();
  if (wanted.text) hash.set("find", wanted.text);
  if (wanted.states.size) hash.set("state", [...wanted.states].join(","));
  history.replaceState(null, "", hash.size ? "#" + hash : location.pathname);
  applyFilter();
  drawMoves();
  drawLanes();
}
function readHash() {
  const hash = new URLSearchParams(location.hash.slice(1));
  wanted = {text: hash.get("find") || "", states: new Set((hash.get("state") || "").split(",").filter(s => states.includes(s) || s === "warn"))};
  $("find").value = wanted.text;
}
function searchText(g) {
  return [g.name, g.reason, ...g.members.flatMap(i => [i.name, i.interface, "vrid " + i.vrid, i.family, i.state, i.last_event, i.active_address, ...i.addresses, ...i.extra_addresses,
    ...i.faults.map(f => f.text), ...i.warnings.map(w => w.text), ...i.missing, i.holding])].join("\n").toLowerCase();
}
const words = () => wanted.text.toLowerCase().split(/\s+/).filter(Boolean);
function matches(card, list) {
  const s = wanted.states;
  return (!s.size || s.has(card.group.state) || s.has("warn") && card.group.members.some(troubled) || card.group.members.some(i => s.has(i.state))) &&
    list.every(w => card.text.includes(w));
}
function applyFilter() {
  const list = words();
  let shown = 0;
  for (const c of cards.values()) {
    c.hit = matches(c, list);
    if (c.hit) shown++;
    if (c.element.hidden === c.hit) c.element.hidden = !c.hit;
  }
  const filtered = wanted.text || wanted.states.size;
  $("shown").textContent = filtered ? shown.toLocaleString("en") + " of " + cards.size.toLocaleString("en") : "";
  $("none").hidden = shown > 0 || !cards.size;
}

// --- Cards. Those of groups that did not change are not touched.
let filling = 0;
function showCards(groups) {
  const many = groups.length > manyCards, generation = ++filling, box = $("cards");
  box.classList.toggle("many", many);
  const keys = new Set(groups.map(g => g.key));
  for (const [key, c] of cards) if (!keys.has(key)) { c.element.remove(); cards.delete(key); }
  let at = 0;
  const step = () => {
    if (generation !== filling) return; // a newer picture has come
    let last = at ? cards.get(groups[at - 1].key).element : null;
    const end = Math.min(groups.length, at + (at ? laterChunk : chunk)), fresh = cards.size < groups.length;
    for (; at < (fresh ? end : groups.length); at++) {
      const c = keepCard(groups[at], many), next = last ? last.nextSibling : box.firstChild;
      if (c.element !== next) box.insertBefore(c.element, next);
      last = c.element;
    }
    applyFilter();
    if (at < groups.length) setTimeout(step);
    else performance.mark("ripcord-complete");
  };
  step();
}
function keepCard(g, many) {
  let c = cards.get(g.key);
  const sign = JSON.stringify(g);
  if (c && c.sign === sign) return c;
  if (!c) {
    c = {element: el("details", {class: "card", "data-name": g.name}, el("summary"))};
    c.element.open = !many && g.members.length <= openMembers;
    c.element.addEventListener("toggle", () => fillMembers(c));
    cards.set(g.key, c);
  } else if (c.group.state !== g.state) flash(c.element);
  Object.assign(c, {sign, group: g, text: searchText(g), filled: false});
  const e = c.element;
  for (const s of states) e.classList.toggle("is-" + s, s === g.state);
  e.firstChild.replaceChildren(icon(g.state), el("span", {class: "name"}, g.name), el("span", {class: "state " + g.state}, g.state), cardReason(g));
  fillMembers(c);
  return c;
}
// flash draws the eye to a card that moved.
function flash(card) {
  if (!matchMedia("(prefers-reduced-motion: reduce)").matches)
    card.animate({outline: ["3px solid var(--focus)", "3px solid transparent"]}, {duration: 2400, easing: "ease-out"});
}
function cardReason(g) {
  const parts = [];
  if (g.since) parts.push("for ", age(g.since));
  if (g.reason) parts.push((parts.length ? " · " : "") + g.reason);
  const bad = g.members.filter(troubled).length;
  if (bad) parts.push(" · ", icon("warn"), " " + count(bad, "warning"));
  if (g.members.length > openMembers) parts.push(" · " + count(g.members.length, "instance"));
  return el("span", {class: "why"}, ...parts);
}
// fillMembers makes the members of a card that is open, some at a time.
function fillMembers(c) {
  if (!c.element.open || c.filled) return;
  c.filled = true;
  const list = el("ul", {class: c.group.members.length > chunk ? "members long" : "members"}), sign = c.sign;
  const step = from => {
    if (c.sign !== sign) return;
    list.append(...c.group.members.slice(from, from + chunk).map(i => memberRow(i, c.group)));
    if (from + chunk < c.group.members.length) setTimeout(step, 0, from + chunk);
  };
  step(0);
  const old = c.element.querySelector(".members");
  old ? old.replaceWith(list) : c.element.append(list);
}
function memberRow(i, g) {
  const priority = "priority " + i.effective_priority + (i.effective_priority !== i.priority ? " (of " + i.priority + ")" : i.is_owner ? " (owner)" : "");
  const facts = [i.interface + (i.virtual_mac ? " (virtual MAC)" : ""), "VRID " + i.vrid + " " + i.family.replace("ip", "IP"), ...(i.version === 3 ? [] : ["VRRP " + i.version]), priority];
  if (i.state !== "active" && i.active_address) facts.push("active: " + i.active_address + " (" + i.active_priority + ")");
  const row = el("li", {}, icon(i.state),
    el("div", {class: "head"}, el("b", {}, g.alone ? "" : i.name), g.alone ? undefined : el("span", {class: i.state}, i.state)),
    el("div", {class: "addr"}, [...i.addresses, ...i.extra_addresses].join("  ") || "no addresses"),
    el("div", {class: "facts"}, ...facts.map(f => el("span", {}, f))));
  if (g.alone) row.querySelector(".head").remove();
  const tell = (kind, text) => row.append(el("p", {class: "bad " + kind}, icon(kind), " " + text));
  for (const f of i.faults) tell("fault", f.text);
  for (const m of i.missing) tell("fault", "lacks " + m);
  if (i.last_standing) tell("fault", "serves as the last one standing");
  if (i.wait) row.append(el("p", {class: "facts"}, i.wait.text + (i.wait.until ? " until " + new Date(i.wait.until).toLocaleTimeString() : "")));
  if (i.holding) tell("warn", "waits: " + i.holding);
  for (const w of i.warnings) tell("warn", w.text);
  if (i.probe && (i.state === "backup" || i.probe.suspended_until))
    row.append(el("p", {class: i.probe.in_use ? "facts" : "bad warn"}, i.probe.in_use ? undefined : icon("warn"), " probe " + i.probe.text + (i.probe.asked ? " (" + (i.probe.answered || 0) + " of the last " + i.probe.asked + ")" : "")));
  for (const t of [...i.trackers, ...(i === g.members[0] ? g.trackers : [])])
    row.append(el("p", {class: "facts"}, el("span", {class: t.state}, icon(t.state), " " + t.kind + " " + t.name + " " + t.state), t.adds ? el("span", {}, "adds " + (t.adds > 0 ? "+" : "") + t.adds) : undefined));
  return row;
}

// --- Links and checks.
// changed is the cell that says when a link last changed; – if it is as the daemon found it.
function changed(l) {
  if (!l.last_change || l.unchanged) return el("td", {}, "–");
  return el("td", {}, age(l.last_change), el("span", {class: "quiet"}, " ago"));
}
function showLinks() {
  replaceIfChanged($("link-rows"), picture.links.map(l => el("tr", {"data-link": l.name},
    el("td", {}, el("b", {}, l.name), l.device ? el("span", {class: "quiet"}, " " + l.device) : undefined),
    el("td", {class: l.carrier ? "up" : "down"}, icon(l.carrier ? "up" : "down"), l.carrier ? " carrier" : " no carrier"),
    el("td", {class: "wide"}, l.up ? "usable" : l.trouble || "not usable"),
    changed(l),
    el("td", {}, (l.monitor || "–") + (l.stretched ? " (stretched)" : "")),
    el("td", {}, l.carrier_up_count + " / " + l.carrier_down_count))), JSON.stringify(picture.links));
  $("links").hidden = !picture.links.length;
}
function showChecks() {
  const shown = picture.checks.map(k => [k.name, k.state, k.since, k.checks, k.error, k.value]);
  replaceIfChanged($("check-rows"), picture.checks.map(k => el("tr", {}, el("td", {}, el("b", {}, k.name)), el("td", {class: k.state}, icon(k.state), " " + k.state + (k.value ? " (" + k.value + ")" : "")),
    el("td", {}, k.since ? age(k.since) : "–"), el("td", {class: "wide"}, k.checks + (k.error ? ": " + k.error : "")))), JSON.stringify(shown));
  $("checks").hidden = !picture.checks.length;
}

// --- Transitions: a list, and a lane for each group that moved.
let moves = [], logFrom = 0, spanMinutes = 60;
const keyOf = l => l.event === "group.transition" ? "group " + l.group : l.instance;
function takeMove(l) {
  moves.push({at: Date.parse(l.ts), key: keyOf(l), who: l.group && l.event === "instance.transition" ? l.instance : l.group || l.instance, from: l.from, to: l.to,
    why: l.reason + (l.cause ? " of " + l.cause : ""), member: l.event === "instance.transition" && !!l.group});
  if (moves.length > mostMoves) moves = moves.slice(-mostMoves);
}
function drawMoves() {
  const list = words(), s = wanted.states;
  const all = moves.filter(m => !m.member && list.every(w => (m.who + "\n" + m.why).toLowerCase().includes(w)) && (!s.size || s.has(m.to) || s.has("warn"))).slice(-shownMoves).reverse();
  const rows = all.map(m => el("li", {}, el("time", {datetime: new Date(m.at).toISOString()}, moment(m.at)), el("b", {}, m.who),
    el("span", {class: "states"}, el("span", {class: m.from}, m.from), " → ", icon(m.to), el("span", {class: m.to}, " " + m.to)), el("span", {class: "why"}, m.why)));
  if (!rows.length) rows.push(el("li", {class: "quiet"}, moves.length ? "No transition matches the filter." : "Nothing has moved as far as the log goes back."));
  replaceIfChanged($("moves"), rows, JSON.stringify(all));
  $("moves").tabIndex = 0;
}
function drawLanes() {
  if (!picture) return;
  const end = now(), begin = end - spanMinutes * 60000, groups = new Map(groupsOf(picture).map(g => [g.key, g]));
  const moved = new Map();
  for (const m of moves) if (m.at >= begin && groups.has(m.key) && (cards.get(m.key) || {hit: true}).hit) moved.set(m.key, [...(moved.get(m.key) || []), m]);
  const keys = [...moved.keys()].reverse(), out = [];
  for (const key of keys.slice(0, mostLanes)) out.push(el("span", {class: "lane", title: groups.get(key).name}, groups.get(key).name), lane(groups.get(key), moved.get(key), begin, end));
  if (keys.length) {
    out.push(el("div", {class: "axis", "aria-hidden": "true"}, ...[0, .25, .5, .75].map(f => el("span", {}, clock(begin + f * (end - begin)).slice(0, 5))), el("span", {}, "now")));
    if (keys.length > mostLanes) out.push(el("span", {class: "more quiet"}, count(keys.length - mostLanes, "more lane") + " left out: filter to see them."));
  } else out.push(el("p", {class: "more quiet"}, "Nothing moved in the last " + spans.find(x => x[1] === spanMinutes)[0] + "."));
  $("lanes").replaceChildren(...out);
}
// lane draws the states of a group over time. The height tells them apart as well as the
// colour: active is a full bar, backup a thin one, fault is hatched.
function lane(g, list, begin, end) {
  const s = document.createElementNS(svgNS, "svg");
  s.setAttribute("viewBox", "0 0 1000 20");
  s.setAttribute("preserveAspectRatio", "none");
  s.setAttribute("role", "img");
  s.setAttribute("aria-label", g.name + ": " + list.map(m => clock(m.at) + " " + m.to).join(", "));
  const heights = {active: 20, fault: 20, backup: 6, initialize: 3}, x = t => Math.max(0, (t - begin) / (end - begin) * 1000);
  const started = Date.parse(picture.since || 0), bars = [{at: Math.max(begin, started), to: list[0].from}, ...list]; // it knows nothing from before
  bars.forEach((m, i) => {
    const r = document.createElementNS(svgNS, "rect"), h = heights[m.to] || 2, until = i + 1 < bars.length ? bars[i + 1].at : end;
    const set = {x: x(m.at), y: (20 - h) / 2, width: Math.max(1.5, x(until) - x(m.at)), height: h, class: m.to};
    for (const name in set) r.setAttribute(name, set[name]);
    s.append(r);
  });
  return s;
}
function makeSpans() {
  const box = $("spans");
  box.replaceChildren(...spans.map(([name, minutes]) => {
    const b = el("button", {type: "button", role: "radio", "aria-checked": String(minutes === spanMinutes), tabindex: minutes === spanMinutes ? 0 : -1}, name);
    b.onclick = () => { spanMinutes = minutes; makeSpans(); box.querySelector("[aria-checked=true]").focus(); drawLanes(); };
    b.onkeydown = e => {
      const to = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1}[e.key];
      if (to) { e.preventDefault(); box.children[(spans.findIndex(x => x[1] === spanMinutes) + to + spans.length) % spans.length].click(); }
    };
    return b;
  }));
}

// --- Stories.
async function loadStories() {
  const got = await ask("/v1/stories?last=12");
  const told = (await got.json()).stories.reverse();
  const open = new Set([...document.querySelectorAll(".story[open]")].map(e => e.dataset.key));
  const list = told.map(s => storyOf(s, open.has(s.at + s.trace)));
  if (!list.length) list.push(el("p", {class: "empty"}, "Nothing moved, and nothing is wrong, as far as the log goes back."));
  replaceIfChanged($("story-list"), list, JSON.stringify(told));
}
const spaced = us => "+" + us.toLocaleString("en") + " µs";
function storyOf(s, open) {
  const level = s.lines.some(l => l.level === "error") ? "error" : s.lines.some(l => l.level === "warn") ? "warn" : "info";
  const d = el("details", {class: "story", "data-key": s.at + s.trace, open},
    el("summary", {}, icon(level), el("time", {datetime: s.at}, moment(Date.parse(s.at))), el("span", {class: "cause"}, s.cause), ...s.outages.map(o => el("span", {class: "outage"}, o.text))));
  const fill = () => {
    if (!d.open || d.children.length > 1) return;
    let before = "";
    const rows = s.lines.filter((l, i) => i || l.msg !== s.cause).map(l => {
      const left = spaced(l.elapsed_us || 0), row = el("tr", {class: l.level === "info" ? "" : l.level}, el("td", {}, left === before ? "" : left), el("td", {}, l.msg));
      before = left;
      return row;
    });
    if (s.left_out) rows.push(el("tr", {}, el("td"), el("td", {class: "quiet"}, "and " + count(s.left_out, "line") + " more: ripcord events has them.")));
    d.append(el("table", {}, el("tbody", {}, ...rows)));
  };
  d.addEventListener("toggle", fill);
  fill();
  return d;
}

// --- Questions to the router.
async function ask(path) {
  const answer = await fetch(path, {cache: "no-store", signal: AbortSignal.timeout(patience)});
  if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).error || answer.status + " " + answer.statusText);
  return answer;
}
let asking = false, again = false, timer = 0, cost = 0, failure = "", cutSince = 0;
// look takes a new picture: soon after something happened, and now and then. The more it
// costs, the rarer.
function look(soon) {
  if (asking) { again = again || soon; return; }
  clearTimeout(timer);
  timer = setTimeout(takePicture, soon ? Math.max(150, 5 * cost) : Math.max(statusEvery, 50 * cost));
}
async function takePicture() {
  asking = true;
  const began = performance.now();
  try {
    const answer = await ask("/v1/status?statistics=0"), date = Date.parse(answer.headers.get("Date"));
    picture = await answer.json();
    pictureAt = performance.now();
    cost = pictureAt - began;
    const off = date + 500 - Date.now();
    clockOffset = Math.abs(off) > 1500 ? off : 0;
    failure = "";
    show();
    performance.mark("ripcord-picture");
  } catch (e) {
    failure = e.name === "TimeoutError" ? "it does not answer" : e.name === "TypeError" ? "there is no connection" : e.message;
  }
  asking = false;
  showPulse();
  const soon = again;
  again = false;
  look(soon);
}

// --- The event stream.
let streaming = false, storyTimer = 0, laneTimer = 0;
const storiesSoon = () => { clearTimeout(storyTimer); storyTimer = setTimeout(() => loadStories().catch(() => {}), 1200); };
async function follow() {
  for (let wait = 500; ; wait = Math.min(wait * 2, 10000)) {
    try {
      const answer = await fetch("/v1/events?follow=1&last=1500", {cache: "no-store"});
      if (!answer.ok) throw new Error(answer.status);
      streaming = true;
      wait = 500;
      moves = [];
      look(true);
      storiesSoon();
      await readLines(answer.body.pipeThrough(new TextDecoderStream()).getReader());
    } catch { /* the pulse says it */ }
    streaming = false;
    showPulse();
    await new Promise(done => setTimeout(done, wait * (.7 + .6 * Math.random())));
  }
}
async function readLines(reader) {
  const began = now();
  for (let rest = ""; ;) {
    const {value, done} = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) {
      let l;
      try { l = JSON.parse(line); } catch { continue; }
      takeLine(l, Date.parse(l.ts) > began - 3000);
    }
    clearTimeout(laneTimer);
    laneTimer = setTimeout(() => { drawMoves(); drawLanes(); }, 60);
  }
}
function takeLine(l, live) {
  if (l.event === "group.transition" || l.event === "instance.transition") {
    takeMove(l);
    if (live) applyMove(l);
  }
  if (!live) return;
  look(true);
  if (l.level === "warn" || l.level === "error" || l.event.endsWith(".transition")) storiesSoon();
}
// applyMove shows a transition before the next picture has it.
function applyMove(l) {
  if (!picture || Date.parse(l.ts) < Date.parse(picture.since || 0)) return;
  const of = l.event === "group.transition" ? picture.groups.find(g => g.name === l.group) : picture.instances.find(i => i.name === l.instance);
  if (!of || Date.parse(l.ts) <= Date.parse(of.since)) return;
  of.state = l.to;
  of.since = l.ts;
  if (l.event === "group.transition") of.reason = l.reason; else of.last_event = l.reason;
  clearTimeout(applyMove.timer);
  applyMove.timer = setTimeout(show, 30);
  if (l.event === "group.transition" || !l.group) announce((l.group || l.instance) + " is " + l.to + ": " + l.reason);
}
function announce(text) {
  const said = $("said");
  said.append(el("span", {}, text + ". "));
  while (said.children.length > 5) said.firstChild.remove();
}

// --- Is what is shown true?
function showPulse() {
  const old = picture ? performance.now() - pictureAt : Infinity, live = picture && streaming && !failure && old < staleAfter;
  const p = $("link");
  p.className = "pulse " + (live ? "live" : picture || failure ? "cut" : "");
  if (live) cutSince = 0; else cutSince = cutSince || Date.now();
  $("link-text").textContent = live ? "live" : picture || failure ? "cut off" : "connecting";
  $("link-age").textContent = picture ? "picture " + span(old) + " old" : "";
  const cut = !live && Date.now() - cutSince > 1500;
  document.body.classList.toggle("stale", !!(cut && picture));
  $("cut").hidden = !cut;
  if (cut) {
    const text = "Cut off from the router since " + clock(cutSince) + (failure ? ": " + failure : "") + "." + (picture ? " What is shown may have changed since " + clock(Date.now() - old) + "." : "") + " Trying again.";
    if ($("cut").textContent !== text) $("cut").textContent = text;
  }
}
function tick() {
  showPulse();
  for (const e of document.querySelectorAll("time.age")) if (e.since) retime(e);
  if (now() - logFrom > 15000) { logFrom = now(); drawLanes(); }
}

// --- Begin.
let findTimer = 0;
$("find").addEventListener("input", () => { clearTimeout(findTimer); findTimer = setTimeout(() => { wanted.text = $("find").value.trim(); filterChanged(); }, 60); });
addEventListener("keydown", e => {
  if (e.key === "/" && !/^(INPUT|TEXTAREA)$/.test(document.activeElement.tagName) && !e.ctrlKey && !e.metaKey && !e.altKey) { e.preventDefault(); $("find").focus(); }
  if (e.key === "Escape" && document.activeElement === $("find")) { $("find").value = ""; wanted.text = ""; filterChanged(); }
});
addEventListener("hashchange", () => { readHash(); if (picture) { $("states").sign = ""; showStates(groupsOf(picture)); filterChanged(); } });
readHash();
makeSpans();
takePicture();
follow();
setInterval(tick, 1000);
