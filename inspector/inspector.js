import { cell, fillRows, row, text } from "./table.js";
import { openTrace } from "./trace-view.js";

/** Requests that are kept and shown; older ones leave. */
const MAX_ROWS = 500;

const byId = (id) => document.getElementById(id);

/** @type {any[]} newest first */
let requests = [];
let waiting = [];
let isPaused = false;
let isScheduled = false;

// ---- what comes in ---------------------------------------------------------------------------------------------

const stream = new EventSource("/api/rows");
stream.addEventListener("open", () => setConnection("live"));
stream.addEventListener("error", () => setConnection("lost", "connection lost, trying again"));
stream.addEventListener("request", ({ data }) => {
  waiting.push(JSON.parse(data));
  if (!isPaused) schedule();
});
stream.addEventListener("purge", ({ data }) => {
  const purge = JSON.parse(data);
  const body = byId("purges").tBodies[0];
  body.prepend(
    row([
      cell(timeText(purge.at)),
      cell(purge.service),
      cell(purge.what, "wide"),
      cell(purge.soft ? "soft" : "hard"),
    ]),
  );
  while (body.rows.length > MAX_ROWS) body.rows[body.rows.length - 1].remove();
});

function setConnection(state, message = state) {
  byId("connection").dataset.state = state;
  text(byId("connection"), message);
}

/** However fast requests come, the page is drawn once a frame. */
function schedule() {
  if (isScheduled) return;
  isScheduled = true;
  requestAnimationFrame(() => {
    isScheduled = false;
    requests = [...waiting.reverse(), ...requests].slice(0, MAX_ROWS);
    waiting = [];
    drawRequests();
  });
}

// ---- requests --------------------------------------------------------------------------------------------------

function drawRequests() {
  const wanted = byId("filter").value.trim().toLowerCase();
  const shown = requests.filter((request) => matches(request, wanted));
  const focused = document.activeElement?.closest?.("#requests tr[data-id]")?.dataset.id;
  fillRows(byId("requests"), shown.map(requestRow));
  text(byId("request-count"), `${shown.length} of ${requests.length}`);
  byId("requests-empty").hidden = requests.length > 0;
  if (focused !== undefined) byId("requests").querySelector(`tr[data-id="${focused}"]`)?.focus();
}

function matches({ host, url, status, service, keys, method, state }, wanted) {
  if (wanted === "") return true;
  const fields = [host, `${host}${url}`, String(status), service ?? "", method, state, ...keys];
  return wanted.split(/\s+/).every((word) => fields.some((field) => field.toLowerCase().includes(word)));
}

function requestRow(request) {
  const { id, at, pop, isShield, method, host, url, status, state, restarts, bytes, ms, traced } = request;
  const made = row([
    cell(timeText(at)),
    cell(isShield ? `${pop} (shield)` : pop),
    cell(`${method} ${host}${url}`, "wide"),
    cell(status, "status"),
    cell(state, "cache"),
    cell(restarts),
    cell(bytes),
    cell(ms),
  ]);
  made.dataset.id = id;
  made.dataset.class = String(status)[0];
  made.dataset.hit = String(state.startsWith("HIT"));
  made.tabIndex = 0;
  made.title = traced ? "Enter shows what it did" : "no trace was kept: the page was not open";
  return made;
}

byId("filter").addEventListener("input", drawRequests);
byId("request-filter").addEventListener("submit", (event) => event.preventDefault());
byId("pause").addEventListener("click", () => {
  isPaused = !isPaused;
  byId("pause").setAttribute("aria-pressed", String(isPaused));
  text(byId("pause"), isPaused ? "Go on" : "Pause");
  if (!isPaused) schedule();
});
byId("requests").addEventListener("click", ({ target }) => openRow(target.closest("tr[data-id]")));
byId("requests").addEventListener("keydown", (event) => {
  const here = event.target.closest("tr[data-id]");
  if (here === null) return;
  if (event.key === "Enter") openRow(here);
  else if (event.key === "ArrowDown") here.nextElementSibling?.focus();
  else if (event.key === "ArrowUp") here.previousElementSibling?.focus();
  else return;
  event.preventDefault();
});

function openRow(found) {
  if (found !== null) void openTrace(Number(found.dataset.id));
}

// ---- cache and fleet -------------------------------------------------------------------------------------------

const VIEWS = {
  cache(page) {
    const figures = page.pops.map(({ pop, objects, bytes }) => `${pop}: ${objects} objects, ${bytes} bytes`);
    text(byId("cache-figures"), figures.join("; ") + (page.more ? "; the first 200 are shown" : ""));
    return page.rows.map((object) =>
      row([
        cell(object.pop),
        cell(object.key, "wide"),
        cell(object.hitForPass ? "hit-for-pass" : object.status),
        cell(object.ageSeconds),
        cell(object.ttlSeconds),
        cell(object.hits),
        cell(object.bytes),
        cell(object.surrogateKeys.join(" "), "wide"),
      ]),
    );
  },
  fleet(page) {
    const more = page.more ? "the first 200 are shown" : `${page.rows.length} sites`;
    text(byId("fleet-figures"), page.known ? more : "this mirror was started without its fleet");
    return page.rows.map(({ site, siteEnv, release, domains }) =>
      row([cell(site), cell(siteEnv), cell(release ?? "none"), cell(domains.join(" "), "wide")]),
    );
  },
};

async function look(view) {
  const query = document.querySelector(`form[data-view="${view}"] input`).value;
  const figures = byId(`${view}-figures`);
  try {
    const response = await fetch(`/api/${view}?${new URLSearchParams({ q: query })}`);
    if (!response.ok) throw new Error((await response.json()).message);
    fillRows(byId(view), VIEWS[view](await response.json()));
  } catch (error) {
    text(figures, `could not be read: ${error.message}`);
  }
}

for (const form of document.querySelectorAll("form[data-view]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void look(form.dataset.view);
  });
}

// ---- tabs and keys ---------------------------------------------------------------------------------------------

const tabs = [...document.querySelectorAll("[role=tab]")];

function select(tab) {
  for (const other of tabs) {
    const isSelected = other === tab;
    other.setAttribute("aria-selected", String(isSelected));
    other.tabIndex = isSelected ? 0 : -1;
    byId(other.getAttribute("aria-controls")).hidden = !isSelected;
  }
  const view = tab.id.replace("tab-", "");
  if (view in VIEWS) void look(view);
}

for (const [i, tab] of tabs.entries()) {
  tab.addEventListener("click", () => select(tab));
  tab.addEventListener("keydown", ({ key }) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
    if (step === undefined) return;
    const next = tabs[(i + step + tabs.length) % tabs.length];
    select(next);
    next.focus();
  });
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.target.closest("input, dialog") !== null) return;
  event.preventDefault();
  document.querySelector("[role=tabpanel]:not([hidden]) input")?.focus();
});

function timeText(at) {
  return new Date(at).toISOString().slice(11, 23);
}
