import { cell, element, row, text } from "./table.js";
import { openTrace } from "./trace-view.js";

/** Requests that are kept for the filter to find; older ones leave. */
const MAX_KEPT = 20_000;
/** Rows on the page at once: what a browser lays out in a frame. */
const MAX_SHOWN = 300;

const byId = (id) => document.getElementById(id);
const table = byId("requests");
const body = table.tBodies[0];

/** @type {any[]} oldest first */
const kept = [];
/** @type {any[]} what came since the last drawing, or since the pause began */
let waiting = [];
let isPaused = false;
let isScheduled = false;

/** Takes a request in; however fast they come, the page is drawn once a frame. */
export function addRequest(request) {
  request.words = [
    request.host + request.url,
    String(request.status),
    request.service ?? "",
    request.method,
    request.state,
    request.pop,
    ...request.keys,
  ].map((word) => word.toLowerCase());
  waiting.push(request);
  // A paused page, and one in a background tab, is not drawn, and must not grow for it.
  if (waiting.length > 2 * MAX_KEPT) waiting = waiting.slice(-MAX_KEPT);
  schedule();
}

function schedule() {
  if (isScheduled) return;
  isScheduled = true;
  requestAnimationFrame(() => {
    isScheduled = false;
    if (isPaused) return showCount();
    kept.push(...waiting);
    waiting = [];
    if (kept.length > MAX_KEPT) kept.splice(0, kept.length - MAX_KEPT);
    draw();
  });
}

let matching = 0;

function draw() {
  const wanted = byId("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
  const found = wanted.length === 0 ? kept : kept.filter((request) => matches(request, wanted));
  matching = found.length;
  place(found.slice(-MAX_SHOWN).reverse());
  showCount();
  text(byId("requests-empty"), kept.length === 0 ? NO_REQUESTS : "No request matches the filter.");
  byId("requests-empty").hidden = matching > 0;
}

const NO_REQUESTS = byId("requests-empty").textContent;

function showCount() {
  const shown = Math.min(matching, MAX_SHOWN);
  const parts = [
    `${shown} of ${matching}${matching < kept.length ? ` that match, ${kept.length} in all` : ""}`,
  ];
  if (isPaused) parts.push(`paused, ${waiting.length} waiting`);
  text(byId("request-count"), parts.join("; "));
}

function matches({ words }, wanted) {
  return wanted.every((part) => words.some((word) => word.includes(part)));
}

/** Rows that stay are not touched: the one that has the focus, or a selection, keeps it. */
function place(shown) {
  const stay = new Set(shown);
  for (const made of body.querySelectorAll("tr")) {
    if (stay.has(made.request)) continue;
    made.request.row = undefined;
    made.remove();
  }
  let next = body.firstElementChild;
  for (const request of shown) {
    if (request.row !== undefined && request.row === next) next = next.nextElementSibling;
    else body.insertBefore((request.row ??= requestRow(request)), next);
  }
  rove(focusedRow() ?? body.rows[0]);
}

function requestRow(request) {
  const { at, pop, isShield, method, host, url, status, state, restarts, bytes, ms, traced } = request;
  const open = element("button", `${method} ${host}${url}`);
  open.type = "button";
  open.tabIndex = -1;
  if (!traced) open.title = "no trace was kept: no page was open";
  const wide = document.createElement("td");
  wide.className = "wide";
  wide.append(open);
  const made = row([
    cell(timeText(at), "least"),
    cell(isShield ? `${pop} (shield)` : pop),
    wide,
    cell(status, "status"),
    cell(state, "cache least"),
    cell(restarts, "minor"),
    cell(bytes, "minor"),
    cell(ms, "least"),
  ]);
  made.request = request;
  made.dataset.class = String(status)[0];
  made.dataset.hit = String(state.startsWith("HIT"));
  return made;
}

export function timeText(at) {
  return new Date(at).toISOString().slice(11, 23);
}

// ---- keys ------------------------------------------------------------------------------------------------------

const buttonOf = (made) => made?.querySelector("button");

function focusedRow() {
  return body.contains(document.activeElement) ? document.activeElement.closest("tr") : undefined;
}

/** One row is a stop of the Tab key, the arrows go on from there. */
function rove(to) {
  for (const other of body.querySelectorAll('button[tabindex="0"]')) other.tabIndex = -1;
  if (to) buttonOf(to).tabIndex = 0;
}

body.addEventListener("focusin", () => rove(focusedRow()));
body.addEventListener("keydown", (event) => {
  const here = focusedRow();
  const to = {
    ArrowDown: here?.nextElementSibling,
    ArrowUp: here?.previousElementSibling,
    Home: body.rows[0],
    End: body.rows[body.rows.length - 1],
  }[event.key];
  if (!to) return;
  event.preventDefault();
  buttonOf(to).focus();
});
body.addEventListener("click", ({ target }) => {
  const made = target.closest("tr");
  // Who marks text to copy it opens nothing.
  if (made === null || String(getSelection()) !== "") return;
  void openTrace(made.request.id);
});
byId("trace").addEventListener("close", () => {
  if (!body.contains(document.activeElement)) buttonOf(body.rows[0])?.focus();
});
byId("filter").addEventListener("input", draw);
byId("request-filter").addEventListener("submit", (event) => event.preventDefault());
byId("pause").addEventListener("click", () => {
  isPaused = !isPaused;
  byId("pause").setAttribute("aria-pressed", String(isPaused));
  schedule();
});
