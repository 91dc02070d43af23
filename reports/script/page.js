// What a page does beyond being read: colours, filters, deep links, copying, traces on demand.
// Everything works on what is in the page already; nothing is fetched.
"use strict";

const all = (selector, within = document) => [...within.querySelectorAll(selector)];

// Colours: as the system, light or dark; remembered where the browser allows it.
const remembered = {
  get: () => { try { return localStorage.getItem("report-theme"); } catch { return null; } },
  set: (value) => { try { localStorage.setItem("report-theme", value); } catch { /* a file may have no storage */ } },
};
const night = document.getElementById("night");
const media = { auto: night.media, light: "not all", dark: "screen" };
let theme = remembered.get() ?? "auto";

function paint() {
  night.media = media[theme] ?? media.auto;
  for (const button of all("[data-theme-button]")) {
    button.hidden = false;
    button.textContent = button.dataset[theme];
  }
}

for (const button of all("[data-theme-button]")) {
  button.addEventListener("click", () => {
    theme = { auto: "dark", dark: "light", light: "auto" }[theme] ?? "auto";
    remembered.set(theme);
    paint();
  });
}
for (const button of all("[data-print-button]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}
paint();

// Filters: an entry is shown when it fits every question that it can answer.
const form = document.querySelector("[data-filters]");
const entries = all("[data-entry]");
const groups = all("[data-group]");
const weight = { fail: 0, doubt: 1, notrun: 2, na: 3, pass: 4 };
entries.forEach((entry, place) => { entry.dataset.place = place; });

function fits(entry, verdicts, wanted, words) {
  const { verdict, area, level } = entry.dataset;
  if (verdicts.size && !verdicts.has(verdict)) return false;
  if (wanted.area && area !== wanted.area) return false;
  if (wanted.level && level !== undefined && level !== wanted.level) return false;
  if (!words.length) return true;
  entry.words ??= entry.textContent.toLowerCase();
  entry.bytes ??= entry.words.replace(/\s+/g, "");
  return words.every((word) => entry.words.includes(word) || entry.bytes.includes(word));
}

function apply() {
  const data = new FormData(form);
  const verdicts = new Set(data.getAll("verdict"));
  const wanted = { area: data.get("area") ?? "", level: data.get("level") ?? "" };
  const words = (data.get("search") ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  let total = 0;
  let shown = 0;
  for (const entry of entries) {
    entry.hidden = !fits(entry, verdicts, wanted, words);
    if (entry.dataset.entry !== form.dataset.filters) continue;
    total += 1;
    if (!entry.hidden) shown += 1;
  }
  for (const group of groups) {
    group.hidden = all("[data-entry]", group).every((entry) => entry.hidden);
  }
  const place = form.querySelector("[data-shown]");
  place.textContent = place.dataset.template.replace("{1}", shown).replace("{2}", total);
  for (const note of all("[data-nothing]")) note.hidden = shown > 0;
}

const orders = {
  place: (one) => [Number(one.dataset.place)],
  harm: (one) => [Number(one.dataset.harm), weight[one.dataset.verdict], Number(one.dataset.place)],
  verdict: (one) => [weight[one.dataset.verdict], Number(one.dataset.harm), Number(one.dataset.place)],
};

function sort(order) {
  const rows = entries.filter((entry) => entry.dataset.entry === "requirement");
  if (!rows.length) return;
  const key = orders[order] ?? orders.place;
  const home = new Map(groups.map((group) => [group.dataset.group, group]));
  const ranked = rows.map((row) => [key(row), row]).sort(([a], [b]) => {
    const at = a.findIndex((value, index) => value !== b[index]);
    return at < 0 ? 0 : a[at] - b[at];
  });
  for (const [, row] of ranked) {
    (order === "place" ? home.get(row.dataset.area) : groups[0]).append(row);
  }
  for (const heading of all("tr.group")) heading.hidden = order !== "place";
}

if (form) {
  form.hidden = false;
  let waiting;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", (event) => {
    clearTimeout(waiting);
    waiting = setTimeout(apply, event.target.type === "search" ? 120 : 0);
  });
  form.addEventListener("change", (event) => {
    if (event.target.name === "order") sort(event.target.value);
  });
  form.addEventListener("reset", () => setTimeout(() => { sort("place"); apply(); }));
  // A browser may give the form its old answers back when the page is loaded again.
  if (form.elements.order) sort(form.elements.order.value);
  apply();
}

// What is scrolled to stops below the filters, which stay at the top.
function makeRoom() {
  const pinned = form && getComputedStyle(form).position === "sticky";
  document.documentElement.style.scrollPaddingTop = `${(pinned ? form.offsetHeight : 0) + 16}px`;
}

addEventListener("resize", makeRoom);
makeRoom();

// Deep links: what is linked to is shown, whatever is folded or filtered.
function reveal() {
  const name = decodeURIComponent(location.hash.slice(1));
  const target = name && document.getElementById(name);
  if (!target) return;
  if (target.closest("[data-entry][hidden], [data-group][hidden]")) form?.reset();
  setTimeout(() => {
    for (let node = target; node; node = node.parentElement) {
      if (node.localName === "details") node.open = true;
    }
    target.scrollIntoView();
    if (target.tabIndex >= -1 && target.hasAttribute("tabindex")) target.focus({ preventScroll: true });
  });
}

addEventListener("hashchange", reveal);
reveal();

// Copying.
for (const button of all("[data-copy]")) {
  button.hidden = false;
  const label = button.textContent;
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(source.textContent);
    } catch {
      getSelection().selectAllChildren(source);
      document.execCommand("copy");
    }
    button.textContent = button.dataset.done;
    setTimeout(() => { button.textContent = label; }, 1500);
  });
}

// Traces: a block is unpacked when the first case in it is opened.
const cases = document.querySelector(".cases");
const blocks = new Map();

async function unpack(number) {
  const packed = document.querySelector(`[data-block="${number}"]`).textContent;
  const bytes = Uint8Array.from(atob(packed), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return (await new Response(stream).text()).split("\n");
}

async function show(trace) {
  const [block, first, length] = trace.dataset.place.split(" ").map(Number);
  delete trace.dataset.place;
  const fallback = trace.textContent;
  trace.textContent = cases.dataset.unpacking;
  try {
    if (!blocks.has(block)) blocks.set(block, unpack(block));
    const lines = await blocks.get(block);
    trace.textContent = lines.slice(first, first + length).join("\n");
  } catch {
    trace.textContent = `${cases.dataset.unable} ${fallback}`;
  }
}

cases?.addEventListener("toggle", (event) => {
  const trace = event.target.open && event.target.querySelector("[data-place]");
  if (trace) show(trace);
}, true);

// Keys, when nobody is typing: / searches, n and p walk through the findings.
for (const hint of all(".keys")) hint.hidden = false;
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.closest?.("input, select, textarea");
  if (typing) {
    if (event.key === "Escape") typing.blur();
    return;
  }
  if (event.key === "/" && form) {
    event.preventDefault();
    form.elements.search.focus();
  }
  if (event.key !== "n" && event.key !== "p") return;
  const findings = all(".finding").filter((finding) => !finding.hidden);
  const here = findings.indexOf(document.activeElement.closest?.(".finding"));
  const next = findings[event.key === "n" ? here + 1 : (here < 0 ? findings.length : here) - 1];
  if (next) location.hash = next.id;
});
