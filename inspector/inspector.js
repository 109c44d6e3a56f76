import { addRequest, timeText } from "./request-list.js";
import { cell, fillRows, row, text } from "./table.js";

/** Purges that are shown; older ones leave. */
const MAX_PURGES = 500;

const byId = (id) => document.getElementById(id);

// ---- what comes in ---------------------------------------------------------------------------------------------

const stream = new EventSource("/api/rows");
stream.addEventListener("open", () => setConnection("live"));
stream.addEventListener("error", () => setConnection("lost", "connection lost, trying again"));
stream.addEventListener("request", ({ data }) => addRequest(JSON.parse(data)));
stream.addEventListener("purge", ({ data }) => {
  const { at, service, serviceId, what, soft } = JSON.parse(data);
  const named = service === null ? serviceId : `${service} (${serviceId})`;
  const body = byId("purges").tBodies[0];
  body.prepend(row([cell(timeText(at)), cell(named), cell(what, "wide"), cell(soft ? "soft" : "hard")]));
  while (body.rows.length > MAX_PURGES) body.rows[body.rows.length - 1].remove();
  byId("purges-empty").hidden = true;
});

function setConnection(state, message = state) {
  byId("connection").dataset.state = state;
  text(byId("connection"), message);
}

// ---- cache and fleet -------------------------------------------------------------------------------------------

const VIEWS = {
  cache(page) {
    const figures = page.pops.map(
      ({ pop, objects, bytes }) => `${pop}: ${count(objects, "object")}, ${count(bytes, "byte")}`,
    );
    if (page.more) figures.push(`${page.rows.length} are shown`);
    text(byId("cache-figures"), figures.join("; "));
    return page.rows.map((object) =>
      row([
        cell(object.pop),
        cell(object.key, "wide"),
        cell(object.hitForPass ? "hit-for-pass" : object.status),
        cell(object.ageSeconds),
        cell(object.ttlSeconds),
        cell(object.hits, "minor"),
        cell(object.bytes, "minor"),
        cell(object.surrogateKeys.join(" "), "wide"),
      ]),
    );
  },
  fleet(page) {
    const sites = count(page.rows.length, "site");
    text(
      byId("fleet-figures"),
      page.known ? `${page.more ? "the first " : ""}${sites}` : "this mirror was started without its fleet",
    );
    return page.rows.map(({ site, siteEnv, release, domains }) =>
      row([cell(site), cell(siteEnv), cell(release ?? "none"), cell(domains.join(" "), "wide")]),
    );
  },
};

function count(number, what) {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}

async function look(view) {
  const query = document.querySelector(`form[data-view="${view}"] input`).value;
  const figures = byId(`${view}-figures`);
  try {
    const response = await fetch(`/api/${view}?${new URLSearchParams({ q: query })}`);
    if (!response.ok) throw new Error((await response.json()).message);
    const rows = VIEWS[view](await response.json());
    fillRows(byId(view), rows);
    byId(`${view}-empty`).hidden = rows.length > 0;
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
    const to = { ArrowRight: i + 1, ArrowLeft: i - 1 + tabs.length, Home: 0, End: tabs.length - 1 }[key];
    if (to === undefined) return;
    const next = tabs[to % tabs.length];
    select(next);
    next.focus();
  });
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.target.closest("input, dialog") !== null) return;
  event.preventDefault();
  document.querySelector("[role=tabpanel]:not([hidden]) input")?.focus();
});
