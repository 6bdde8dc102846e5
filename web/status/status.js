// Shows GET api/v1/pipeline once a second. Nothing is put into the page as HTML.

const poll_ms = 1000;
const answer_within_ms = 5000;
const trend_seconds = 120;

const content = document.getElementById("content");
const trend = []; // {at, instances}: seconds of the server's uptime, instances received by then
let last_answer = null;

document.getElementById("sign-in").addEventListener("submit", (event) => event.preventDefault());
document.getElementById("unencrypted").hidden = window.isSecureContext; // which loopback addresses are, too
poll();

async function poll() {
  if (!document.hidden) {
    try {
      show(await fetch_status());
      last_answer = new Date();
    } catch (failure) {
      if (failure.status === 401) await sign_in();
      else show_lost(failure);
    }
  }
  setTimeout(poll, poll_ms);
}

async function fetch_status() {
  // Relative, so that the page also works behind a prefix of a reverse proxy.
  const signal = AbortSignal.timeout(answer_within_ms);
  const response = await fetch("../api/v1/pipeline", { cache: "no-store", signal });
  if (!response.ok) {
    throw Object.assign(new Error(`the server answers with status ${response.status}`), { status: response.status });
  }
  return response.json();
}

/// Shows the form until somebody has signed in; for a new server it makes the first administrator.
async function sign_in() {
  const form = document.getElementById("sign-in");
  const answer = await fetch("../api/v1/setup", { cache: "no-store" });
  const first = (await answer.json()).state === "open";
  document.getElementById("setup-code").hidden = !first;
  set_text(document.getElementById("sign-in-title"), first ? "Make the first administrator" : "Sign in");
  set_text(document.getElementById("sign-in-button"), first ? "Make and sign in" : "Sign in");
  set_text(document.getElementById("overall-text"), "Not signed in");
  show_notice("");
  form.hidden = false;
  content.hidden = true;
  while (!(await send_credentials(form, first))) continue;
  form.reset();
  ask_for_code(form, false);
  form.hidden = true;
  content.hidden = false;
}

/// Waits for the form to be sent; true when the server accepts it.
async function send_credentials(form, first) {
  await new Promise((resolve) => form.addEventListener("submit", resolve, { once: true }));
  const values = Object.fromEntries(new FormData(form));
  if (!first) delete values.setup_code;
  if (!values.totp) delete values.totp;
  const problem = document.getElementById("sign-in-problem");
  try {
    const answer = await fetch(first ? "../api/v1/setup" : "../api/v1/session", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(values),
    });
    const refusal = answer.ok ? { detail: "" } : await answer.json();
    set_text(problem, refusal.detail);
    if (refusal.code === "second_factor_required") ask_for_code(form, true);
    return answer.ok;
  } catch {
    set_text(problem, "The server does not answer.");
    return false;
  }
}

function ask_for_code(form, asked) {
  document.getElementById("second-factor").hidden = !asked;
  if (asked) form.elements.totp.focus();
}

function show(status) {
  status.attempts_total = status.targets.reduce((sum, target) => sum + target.attempts_total, 0);
  if (status.storage.total_bytes === 0) Object.assign(status.storage, { free_bytes: null, total_bytes: null });
  show_overall(status);
  for (const element of document.querySelectorAll("[data-value]")) show_value(element, status);
  for (const stage of document.querySelectorAll("[data-stage]")) {
    show_chip(stage.querySelector("[data-chip]"), status.stages[stage.dataset.stage].state);
  }
  show_trend(status);
  show_storage(status.storage);
  show_targets(status.targets);
}

function show_overall(status) {
  const overall = document.getElementById("overall");
  overall.dataset.state = status.ready ? "ready" : "unready";
  set_text(document.getElementById("overall-text"), status.ready ? "Running" : "Not ready");
  set_text(document.getElementById("appliance"), status.appliance);
  document.title = status.appliance ? `${status.appliance} – Quicksilver` : "Quicksilver";
  show_notice(status.ready ? "" : `Nothing new is taken: ${status.reasons.join("; ") || "no reason given"}.`);
  content.removeAttribute("data-stale");
  content.setAttribute("aria-busy", "false");
}

function show_lost(failure) {
  document.getElementById("overall").dataset.state = "lost";
  set_text(document.getElementById("overall-text"), "No answer");
  const refused = failure.message.startsWith("the server answers");
  const why = refused ? `This page gets no numbers: ${failure.message}.` : "The server does not answer.";
  const since = last_answer ? ` The numbers below are from ${clock(last_answer)}.` : "";
  show_notice(`${why}${since} Trying again every second.`);
  content.dataset.stale = "";
}

function show_notice(text) {
  const notice = document.getElementById("notice");
  set_text(notice, text);
  notice.hidden = text === "";
}

function show_value(element, status) {
  const value = element.dataset.value.split(".").reduce((part, key) => part?.[key], status);
  const format = formats[element.dataset.format ?? "count"];
  set_text(element, value === null || value === undefined ? "–" : format(value));
  if ("alarm" in element.dataset) element.classList.toggle("alarm", value > 0);
}

function show_chip(chip, state) {
  chip.dataset.state = state;
  set_text(chip, state.charAt(0).toUpperCase() + state.slice(1));
}

/// The received instances a second, from the totals that this page has seen.
function show_trend(status) {
  const now = { at: status.uptime_s, instances: status.stages.receive.instances_total };
  const restarted = trend.length > 0 && now.at < trend[trend.length - 1].at;
  if (restarted) trend.length = 0;
  trend.push(now);
  while (trend[0].at < now.at - trend_seconds - 2) trend.shift();
  const rates = [];
  for (let i = 1; i < trend.length; ++i) {
    const seconds = trend[i].at - trend[i - 1].at;
    if (seconds > 0)
      rates.push({ age: now.at - trend[i].at, rate: (trend[i].instances - trend[i - 1].instances) / seconds });
  }
  const highest = Math.max(1, ...rates.map((point) => point.rate));
  const x = (age) => (240 * (1 - age / trend_seconds)).toFixed(1);
  const points = rates.map((point) => `${x(point.age)},${(38 - (36 * point.rate) / highest).toFixed(1)}`);
  const line = points.length > 1 ? `M${points.join("L")}` : "";
  document.getElementById("trend-line").setAttribute("d", line);
  document.getElementById("trend-area").setAttribute("d", line && `${line}L240,40L${x(rates[0].age)},40Z`);
}

function show_storage(storage) {
  const share = (bytes) => (storage.total_bytes ? `${(100 * bytes) / storage.total_bytes}%` : "0");
  const fill = document.getElementById("storage-fill");
  fill.style.width = share(storage.total_bytes - storage.free_bytes);
  fill.toggleAttribute("data-low", storage.total_bytes !== null && storage.free_bytes < storage.reserve_bytes);
  const reserve = document.getElementById("storage-reserve");
  reserve.style.width = share(storage.reserve_bytes);
  reserve.toggleAttribute("data-none", !storage.total_bytes || !storage.reserve_bytes);
  const folders = document.getElementById("folders");
  sync(
    folders,
    Object.entries(storage.stages),
    ([name]) => name,
    make_folder,
    (row, [, count]) => {
      set_text(row.lastChild, formats.count(count));
    },
  );
}

function make_folder([name]) {
  const row = make("div");
  row.append(make("dt", name), make("dd"));
  return row;
}

function show_targets(targets) {
  const table = document.getElementById("targets");
  table.hidden = targets.length === 0;
  document.getElementById("no-targets").hidden = targets.length > 0;
  sync(table.tBodies[0], targets, (target) => target.name, make_target, show_target);
}

function make_target(target) {
  const row = make("tr");
  const name = make("th", target.name);
  name.scope = "row";
  name.role = "rowheader";
  name.append(make("small", target.type));
  const state = make("td");
  state.append(make("span", "", "chip"));
  row.append(name, state);
  for (const label of ["Waiting", "Sending", "Oldest", "Delivered", "Failed attempts"]) {
    const cell = make("td", "", "n");
    cell.dataset.label = label;
    row.append(cell);
  }
  row.append(make("td", "", "error"));
  // On a narrow screen the style sheet makes cards of the rows, and a table that is none for CSS is none for screen
  // readers either, unless its roles are written down.
  row.role = "row";
  for (const cell of row.querySelectorAll("td")) cell.role = "cell";
  return row;
}

function show_target(row, target) {
  const [, state, waiting, sending, oldest, delivered, failed, error] = row.cells;
  show_chip(state.firstChild, target.state);
  set_text(waiting, formats.count(target.waiting));
  set_text(sending, formats.count(target.in_flight));
  set_text(oldest, target.oldest_s === null ? "–" : formats.age(target.oldest_s));
  set_text(delivered, formats.count(target.sent_total));
  set_text(failed, formats.count(target.failed_total));
  set_text(error, target.last_error ?? "");
}

/// Makes `parent` hold one element an item, in the items' order, and keeps those that are there: a selection stays.
function sync(parent, items, key_of, create, update) {
  const present = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  items.forEach((item, index) => {
    const key = key_of(item);
    const element = present.get(key) ?? create(item);
    element.dataset.key = key;
    present.delete(key);
    if (parent.children[index] !== element) parent.insertBefore(element, parent.children[index] ?? null);
    update(element, item);
  });
  for (const gone of present.values()) gone.remove();
}

function make(tag, text = "", class_name = "") {
  const element = document.createElement(tag);
  element.textContent = text;
  if (class_name) element.className = class_name;
  return element;
}

function set_text(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

const formats = {
  text: (value) => value,
  count: (value) => value.toLocaleString("en"),
  rate: (value) => value.toLocaleString("en", { maximumFractionDigits: value < 10 ? 1 : 0 }),
  percent: (value) => `${value.toLocaleString("en", { maximumFractionDigits: value < 10 ? 1 : 0 })} %`,
  bytes,
  age,
  clock: (value) => clock(new Date(value)),
};

function bytes(value) {
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    ++unit;
  }
  const digits = unit === 0 || value >= 99.5 ? 0 : 1;
  const number = value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return `${number} ${units[unit]}`;
}

function age(seconds) {
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

function clock(time) {
  return time.toLocaleTimeString("en-GB");
}
