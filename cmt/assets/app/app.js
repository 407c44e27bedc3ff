// The page as a whole: which film, what is asked for it, what is being made, what was made.
import { BOOT, Refused, ask, listen, putUp } from "./server.js";
import { Screen, listFiles } from "./result.js";
import { Timeline } from "./timeline.js";

const $ = (id) => document.getElementById(id);
const make = (tag, name, text) => {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (text !== undefined) element.textContent = text;
  return element;
};
const STAGES = {
  upload: "Putting the film up", look: "Looking at the film", describe: "Saying what was seen",
  analyze: "Looking at the film", "load model": "Fetching the composer", compose: "Writing the notes", midi: "Saving the notes",
  render: "Playing the instruments", mux: "Putting film and music together", picture: "Drawing the picture", page: "Making the page",
};
const OF_TASK = {
  look: ["look", "describe"],
  compose: ["analyze", "load model", "compose", "render", "mux", "page"],
  redo: ["analyze", "load model", "compose", "render", "mux", "page"],
  take: ["analyze", "compose", "render", "mux", "page"],
};
const WITHIN = { midi: "compose", picture: "mux" }; // short stages, told as a part of another
const TITLES = { look: "Looking at your film", compose: "Composing", redo: "Writing bars anew", take: "Making the take a result" };
const FIELDS = {
  words: "words", mood: "mood", genre: "genre", control: "control", tempo: "tempo", key: "key", ending: "ending", start: "from", end: "to",
  length: "length", fade_in: "fade-in", fade_out: "fade-out", original_audio: "original", sounds: "sounds", stems: "stems", seed: "seed",
};
const NUMBERS = new Set(["control", "sounds", "tempo", "start", "end", "length", "fade_in", "fade_out", "seed"]);

let state = { films: [], runs: [], jobs: [] };
let film = null; // the id of the film that is shown
let upload = null; // what is being put up
const seen = new Map(); // film -> what was seen
const asks = new Map(); // film -> what is asked
const heard = new Map(); // film -> the run that is heard, or null for the film itself
const results = new Map(); // run -> {summary, kept, anew}
const known = new Set(); // jobs that are over and were told

const screen = new Screen($("screen"), $("screen-note"), { asked: fromResult });
const timeline = new Timeline($("lanes"), { changed, seek: (time) => { screen.seek(time); timeline.moveTo(time); }, chosen: editSection });

const letterOf = (take) => "ABCDEFGHIJ"[take - 1];

/** Without the numbers that stand behind a mood. */
const plain = (text) => text.replace(/ \(valence [^)]*\)/g, "");

function say(text) {
  if (text) $("spoken").textContent = text;
}

function wrong(error) {
  if (error.status === -1) return;
  if (error.status === 401) startedAnew();
  const place = $("work").hidden ? $("banner") : $("wrong");
  place.textContent = error.message;
  place.hidden = false;
}

function calm() {
  $("wrong").hidden = true;
  if (!$("banner").dataset.stays) $("banner").hidden = true;
}

function banner(text, action) {
  const place = $("banner");
  place.textContent = text;
  place.dataset.stays = "yes";
  if (action) place.append(action);
  place.hidden = false;
}

function startedAnew() {
  const again = make("button", "", "Load the page again");
  again.type = "button";
  again.onclick = () => location.reload();
  banner("The app was started anew, or you were away for long: what was made before is gone from it.", again);
}

/* what is asked */

function freshAsk() {
  return { words: "", mood: "", genre: "", control: Number($("control").defaultValue), instruments: null, takes: 3, tempo: null, key: "",
    ending: "", start: null, end: null, length: null, fade_in: null, fade_out: null, original_audio: "", sounds: 0, stems: true, seed: null,
    energy: {}, hits: [], sections: [], description: null };
}

function askOf(id) {
  if (!asks.has(id)) {
    let kept = null;
    try {
      kept = JSON.parse(sessionStorage.getItem(`cmt ${BOOT} ${id}`));
    } catch {
      kept = null;
    }
    asks.set(id, { ...freshAsk(), ...kept });
  }
  return asks.get(id);
}

function keep() {
  if (film) sessionStorage.setItem(`cmt ${BOOT} ${film}`, JSON.stringify(askOf(film)));
}

function changed(said) {
  keep();
  say(said);
  const result = shownResult();
  if (result) tellKept(result);
}

/** The form from what is asked. */
function fill(asked) {
  for (const [name, id] of Object.entries(FIELDS)) {
    if (name === "stems") $(id).checked = asked.stems;
    else $(id).value = asked[name] ?? "";
  }
  for (const box of document.querySelectorAll("input[name=instrument]")) box.checked = asked.instruments?.includes(box.value) ?? true;
  for (const dot of document.querySelectorAll("input[name=takes]")) dot.checked = Number(dot.value) === asked.takes;
  sayDials();
}

/** What is asked from the form. */
function take() {
  const asked = askOf(film);
  for (const [name, id] of Object.entries(FIELDS)) {
    const value = $(id).value.trim();
    if (name === "stems") asked.stems = $(id).checked;
    else if (NUMBERS.has(name)) asked[name] = value === "" ? null : Number(value);
    else asked[name] = value;
  }
  const boxes = [...document.querySelectorAll("input[name=instrument]")];
  const chosen = boxes.filter((box) => box.checked).map((box) => box.value);
  asked.instruments = chosen.length === boxes.length ? null : chosen;
  asked.takes = Number(document.querySelector("input[name=takes]:checked").value);
  keep();
  return asked;
}

/** The same as the app reads it. */
function request() {
  const asked = take();
  const { borders, duration } = seen.get(film);
  const energy = Object.entries(asked.energy)
    .map(([bar, value]) => [Math.max(0, borders[bar]), Math.min(borders[Number(bar) + 1], duration), value])
    .sort((a, b) => a[0] - b[0]);
  const n = state.runs.filter((run) => run.film === film).length;
  return { ...asked, energy, seed: asked.seed ?? 5 * n };
}

const CONTROL = [[0.1, "hardly at all"], [0.4, "loosely"], [0.65, "well"], [0.85, "closely"], [1.1, "to the letter"]];
const SOUNDS = [[0.01, "none"], [0.35, "few"], [0.65, "some"], [1.1, "many"]];
const wordFor = (steps, id) => steps.find(([most]) => $(id).value < most)[1];
const sayDials = () => {
  $("control-said").textContent = wordFor(CONTROL, "control");
  $("sounds-said").textContent = wordFor(SOUNDS, "sounds");
};

/* films */

async function open(file) {
  calm();
  const limit = Number(document.body.dataset.bytes);
  if (file.size > limit) {
    wrong(new Refused(`${file.name} has ${Math.round(file.size / 1e6)} MB, and ${document.body.dataset.megabytes} MB are the most; cut it or make it smaller.`));
    return;
  }
  upload = { name: file.name, share: 0 };
  const sent = putUp(file, (share) => {
    upload.share = share;
    showProgress();
  });
  upload.cancel = sent.cancel;
  film = null;
  show();
  try {
    film = (await sent.done).film;
  } catch (error) {
    wrong(error);
  }
  upload = null;
  show();
}

function filmNow() {
  return state.films.find((one) => one.id === film) ?? null;
}

async function fetchSeen(id) {
  if (seen.has(id)) return;
  seen.set(id, null);
  try {
    seen.set(id, await ask("GET", `/api/films/${id}/seen`));
  } catch (error) {
    seen.delete(id);
    wrong(error);
    return;
  }
  if (film === id) {
    fill(askOf(id));
    const its = seen.get(id);
    if ($("toml").dataset.film !== id) {
      $("toml").dataset.film = id;
      $("toml").value = askOf(id).description ?? its.toml;
    }
    show();
    say("The film was looked at. The timeline and the wishes are ready.");
    for (const warning of its.warnings) say(warning);
  }
}

/* what is shown */

function show() {
  const now = filmNow();
  const isReady = now?.state === "ready" && Boolean(seen.get(film));
  if (now?.state === "ready" && !seen.has(film)) fetchSeen(film);
  $("start").hidden = Boolean(upload || (now && now.state !== "failed"));
  $("work").hidden = !isReady;
  showFilms();
  showProgress();
  if (now?.state === "failed" && !known.has(now.id)) {
    known.add(now.id);
    wrong(new Refused(`${now.name}: ${now.error.replace(`${now.name}: `, "")}`));
  }
  if (!isReady) {
    if (!now) screen.show(null, null);
    return;
  }
  $("picture-length").hidden = !now.picture;
  $("part").hidden = $("own-sound").hidden = now.picture;
  showResults();
}

function showFilms() {
  const good = state.films.filter((one) => one.state !== "failed");
  $("films").hidden = !good.length;
  const select = $("film");
  const options = good.map((one) => {
    const option = make("option", "", one.name);
    option.value = one.id;
    option.selected = one.id === film;
    return option;
  });
  if (select.dataset.shown !== JSON.stringify([good.map((one) => one.id), film])) {
    select.replaceChildren(...options);
    select.dataset.shown = JSON.stringify([good.map((one) => one.id), film]);
  }
}

function activeJob() {
  const active = state.jobs.filter((job) => ["waiting", "working"].includes(job.state));
  return active.find((job) => job.film === film) ?? active[0] ?? null;
}

function showProgress() {
  const job = activeJob();
  $("progress").hidden = !(upload || job);
  $("progress").classList.toggle("beside", !$("work").hidden);
  $("compose").disabled = Boolean(job && job.film === film && job.task !== "look");
  $("redo").disabled = $("compose").disabled;
  if (!upload && !job) return;
  const isUpload = Boolean(upload);
  const name = state.films.find((one) => one.id === job?.film)?.name ?? "";
  $("progress-title").textContent = isUpload ? `Putting up ${upload.name}` : `${TITLES[job.task]}${job.film === film ? "" : `: ${name}`}`;
  const share = isUpload ? upload.share : job.state === "waiting" ? null : job.share;
  const bar = $("progress-bar");
  if (share === null) bar.removeAttribute("value");
  else bar.value = share;
  const percent = share === null ? "" : `, ${Math.round(100 * share)} %`;
  let now = isUpload ? `${STAGES.upload}${percent}` : `${STAGES[job.stage] ?? "Beginning"}${percent}`;
  if (!isUpload && job.state === "waiting") now = job.before ? `Waiting: ${job.before} before yours` : "Waiting";
  $("progress-now").textContent = now;
  const stages = isUpload ? [] : OF_TASK[job.task];
  const at = stages.indexOf(WITHIN[job?.stage] ?? job?.stage);
  $("stages").replaceChildren(...stages.map((stage, index) => {
    const item = make("li", index < at ? "done" : index === at ? "now" : "", STAGES[stage]);
    if (index === at) item.setAttribute("aria-current", "step");
    return item;
  }));
}

function runsOfFilm() {
  return state.runs.filter((run) => run.film === film);
}

function shownRun() {
  const id = heard.get(film);
  return runsOfFilm().find((run) => run.id === id) ?? null;
}

function shownResult() {
  const run = shownRun();
  if (!run) return null;
  if (!results.has(run.id)) {
    const parent = [...results.values()].find((one) => one.run.film === run.film && one.run.number === run.parent);
    results.set(run.id, { run, take: 1, summary: run.summary, kept: new Set(parent?.kept ?? []), anew: new Set(barsOf(run)) });
  }
  return results.get(run.id);
}

function showResults() {
  const runs = runsOfFilm();
  const run = shownRun();
  const now = filmNow();
  const what = JSON.stringify([film, runs.map((one) => one.id), run?.id, Boolean(seen.get(film))]);
  if ($("results").dataset.shown === what) return;
  $("results").dataset.shown = what;
  screen.show(now, run);
  const asked = askOf(film);
  timeline.section = null;
  $("section-editor").hidden = true;
  timeline.show(now, seen.get(film), asked, shownResult());
  $("viewer-title").textContent = run ? `Result ${run.number}` : "Your film";
  showVersions(runs, run);
  showTold();
  showHints(run);
  $("locks").hidden = !run;
  if (run) tellKept(shownResult());
  $("results").hidden = $("downloads").hidden = !runs.length;
  $("downloads").hidden = !run;
  if (run) {
    listFiles($("files"), run);
    $("downloads-title").textContent = `Download result ${run.number}`;
  }
  $("runs").replaceChildren(...[...runs].reverse().map((one) => card(one, one === run)));
}

function showVersions(runs, run) {
  const button = (label, its) => {
    const one = make("button", "", label);
    one.type = "button";
    one.setAttribute("aria-pressed", its === run);
    one.onclick = () => hear(its);
    return one;
  };
  $("versions").hidden = !runs.length;
  $("versions").replaceChildren(button("Film alone", null), ...runs.slice(-6).map((one) => button(`Result ${one.number}`, one)));
}

function hear(run) {
  heard.set(film, run?.id ?? null);
  show();
  say(run ? `Result ${run.number} is heard` : "The film alone is heard");
}

function showHints(run) {
  const hints = [
    "Click into the row of cuts where something must be met: it snaps to cuts and beats (Alt: not).",
    "Drag over the energy to draw it: high is lively, low is calm. What you do not draw is as in the film.",
    "Click into the row of sections to begin one, and give it a name, a level or a mood.",
  ];
  if (run) hints.push("Drag over the bars that you like: they turn green and are kept. The open ones can be written anew.");
  $("hints").replaceChildren(...hints.map((hint) => make("li", "", hint)));
}

function showTold() {
  const rows = seen.get(film).told.flatMap(({ name, value, reason }) => {
    const dd = make("dd");
    dd.append(make("b", "", value), make("span", "", reason));
    return [make("dt", "", name), dd];
  });
  const { duration, width, height, fps } = seen.get(film);
  const dd = make("dd");
  dd.append(make("b", "", `${duration.toFixed(1)} s`), make("span", "", `${width} × ${height}, ${Math.round(100 * fps) / 100} pictures a second`));
  $("told").replaceChildren(make("dt", "", "Film"), dd, ...rows);
}

function card(run, isHeard) {
  const item = make("li", isHeard ? "run now" : "run");
  const { summary } = run;
  item.append(make("h3", "", `${run.number} · ${summary.genre} · ${Math.round(summary.tempo)} BPM · ${summary.key}`));
  const remove = make("button", "quiet", "Remove");
  remove.type = "button";
  remove.setAttribute("aria-label", `Remove result ${run.number}`);
  remove.onclick = () => ask("DELETE", `/api/runs/${run.id}`).catch(wrong);
  const listenTo = make("button", "", isHeard ? "Heard now" : "Listen");
  listenTo.type = "button";
  listenTo.disabled = isHeard;
  listenTo.setAttribute("aria-label", `Listen to result ${run.number}`);
  listenTo.onclick = () => hear(run);
  const about = [];
  const take = run.take ? `take ${letterOf(run.take)} of ` : "";
  if (summary.redone.length) about.push(`${summary.redone.join().match(/[-,]/) ? "bars" : "bar"} ${summary.redone.join(", ")} of ${take}result ${run.parent} anew`);
  else if (run.parent) about.push(`${take}result ${run.parent}`);
  else about.push([run.asked.words, run.asked.mood].filter(Boolean).join("; ") || "as the film has it");
  about.push(summary.instruments.join(", "), ...summary.lines);
  item.append(make("p", "", about.filter(Boolean).join(" · ")));
  if (summary.understood) item.append(make("p", "", plain(summary.understood.replace(/^understood/, "Understood:"))));
  for (const warning of summary.warnings) item.append(make("p", "note", `Note: ${warning}`));
  const row = make("div", "row tools");
  row.append(listenTo, remove);
  item.append(row);
  return item;
}

/* sections */

function editSection(section) {
  const editor = $("section-editor");
  const field = (label, element, id) => {
    const box = make("div");
    const its = make("label", "", label);
    its.htmlFor = element.id = id;
    box.append(its, element);
    return box;
  };
  const time = make("input");
  Object.assign(time, { type: "number", min: 0, step: "any", value: section.time });
  const level = make("select");
  level.append(new Option("as in the film", ""), $("levels").content.cloneNode(true));
  level.value = section.level;
  const mood = make("input");
  mood.setAttribute("list", "moods");
  mood.placeholder = "as the whole";
  mood.value = section.mood;
  const remove = make("button", "quiet", "Remove");
  remove.type = "button";
  const settle = () => {
    section.time = Math.min(Math.max(0, Number(time.value) || 0), seen.get(film).duration - 0.05);
    section.level = level.value;
    section.mood = mood.value.trim();
    timeline.settleSections();
    changed("");
  };
  for (const one of [time, level, mood]) one.onchange = settle;
  remove.onclick = () => {
    timeline.removeSection(section);
    editor.hidden = true;
  };
  editor.replaceChildren(field("Begins at (s)", time, "section-time"), field("Energy or name", level, "section-level"), field("Mood", mood, "section-mood"), remove);
  editor.hidden = false;
  level.focus({ preventScroll: true });
}

/* bars that are kept */

function tellKept(result) {
  const n = result.summary.borders.length - 1;
  const open = n - result.kept.size;
  const take = result.take > 1 ? `, of take ${letterOf(result.take)}` : "";
  $("lock-count").textContent = `${result.kept.size} of ${n} bars are kept${take}`;
  $("redo").textContent = open === n ? "Write all bars anew" : open === 1 ? "Write the open bar anew" : `Write the ${open} open bars anew`;
  $("redo").disabled = !open || Boolean(activeJob()?.film === film);
}

/** Bars from 0 as the app reads them, such as 9-12. */
function spans(bars) {
  const texts = [];
  bars = [...bars].sort((a, b) => a - b);
  for (let first = 0; first < bars.length; ) {
    let last = first;
    while (last + 1 < bars.length && bars[last + 1] === bars[last] + 1) last += 1;
    texts.push(first === last ? `${bars[first] + 1}` : `${bars[first] + 1}-${bars[last] + 1}`);
    first = last + 1;
  }
  return texts;
}

/** The bars, from 0, that a part such as 9-12 or 21s-30s means. */
function barsIn(span, borders) {
  const [first, last = first] = span.split("-");
  const n = borders.length - 1;
  const all = Array.from({ length: n }, (_, bar) => bar);
  if (span.includes("s")) {
    const [begin, end] = [parseFloat(first), last ? parseFloat(last) : Infinity];
    return all.filter((bar) => borders[bar + 1] > begin + 1e-6 && borders[bar] < end - 1e-6);
  }
  return all.filter((bar) => bar + 1 >= Number(first) && bar + 1 <= (last === "" ? n : Number(last)));
}

function barsOf(run) {
  return run.summary.redone.flatMap((part) => barsIn(part.split("@").at(-1), run.summary.borders));
}

async function redo(run, parts, take, sounds = null) {
  calm();
  try {
    await ask("POST", `/api/runs/${run.id}/redo`, { redo: parts, take, sounds });
  } catch (error) {
    wrong(error);
  }
}

/** Make a take of a result a result of its own. */
async function use(run, number) {
  calm();
  try {
    await ask("POST", `/api/runs/${run.id}/takes/${Number(number)}`);
  } catch (error) {
    wrong(error);
  }
}

/** What the result's own page asks for. */
function fromResult(message, run) {
  if (!run || typeof message !== "object" || message === null) return;
  if (message.type === "cmt-use") use(run, message.take);
  if (message.type === "cmt-take" && shownResult()) {
    shownResult().take = Number(message.take) || 1;
    tellKept(shownResult());
  }
  if (message.type !== "cmt-redo" || !Array.isArray(message.redo)) return;
  const result = shownResult();
  const parts = message.redo.filter((part) => typeof part === "string").flatMap((part) => {
    const at = part.lastIndexOf("@");
    const open = barsIn(part.slice(at + 1), run.summary.borders).filter((bar) => !result.kept.has(bar));
    return spans(open).map((span) => part.slice(0, at + 1) + span);
  });
  const sounds = message.sounds ?? null;
  if (parts.length || (sounds && !message.redo.length)) redo(run, parts, Number(message.take) || 1, sounds);
  else wrong(new Refused("All of these bars are kept; open some on the timeline first."));
}

/* words */

let asking = 0;
async function understand() {
  const words = $("words").value.trim();
  const number = ++asking;
  if (!words) {
    $("understood").textContent = "";
    return;
  }
  try {
    const its = await ask("POST", "/api/words", { words });
    if (number !== asking) return;
    const parts = its.phrases.length ? [`Understood: ${its.phrases.join(", ")}.`] : [];
    if (its.passed_over.length) parts.push(`Not understood: ${its.passed_over.join(", ")}.`);
    $("understood").textContent = plain(its.error || parts.join(" "));
  } catch (error) {
    wrong(error);
  }
}

/* what the app tells */

function hearState(now) {
  if (now.boot !== BOOT) return startedAnew();
  if ($("banner").dataset.stays === "yes") {
    delete $("banner").dataset.stays;
    $("banner").hidden = true;
  }
  const isFirst = !state.boot;
  state = now;
  if (isFirst && !film && !upload) film = [...now.films].reverse().find((one) => one.state !== "failed")?.id ?? null;
  if (film && !now.films.some((one) => one.id === film)) film = now.films.find((one) => one.state !== "failed")?.id ?? null;
  for (const job of now.jobs) {
    if (known.has(job.id) || !["done", "failed", "cancelled"].includes(job.state)) continue;
    known.add(job.id);
    if (isFirst && job.state !== "done") continue;
    if (job.state === "done" && job.run) {
      heard.set(job.film, job.run);
      if (job.film === film && !isFirst) say("The music is ready.");
    } else if (job.state !== "done" && job.task !== "look") {
      wrong(new Refused(job.error));
    }
  }
  show();
}

/* wiring */

$("choose").onclick = () => $("file").click();
$("add-film").onclick = () => $("file").click();
$("file").onchange = () => {
  if ($("file").files[0]) open($("file").files[0]);
  $("file").value = "";
};
for (const name of ["dragenter", "dragover"])
  document.addEventListener(name, (event) => {
    event.preventDefault();
    document.body.classList.add("over");
  });
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) document.body.classList.remove("over");
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("over");
  const file = event.dataTransfer.files[0];
  if (file && !upload) open(file);
});
$("film").onchange = () => {
  if (film) take();
  film = $("film").value;
  if (seen.get(film)) {
    fill(askOf(film));
    $("toml").dataset.film = film;
    $("toml").value = askOf(film).description ?? seen.get(film).toml;
  }
  calm();
  show();
};
$("remove-film").onclick = () => film && confirm("Remove this film and all music that was made for it?") && ask("DELETE", `/api/films/${film}`).catch(wrong);
$("cancel").onclick = () => {
  if (upload) upload.cancel();
  else if (activeJob()) ask("DELETE", `/api/jobs/${activeJob().id}`).catch(wrong);
};
$("wishes").onsubmit = async (event) => {
  event.preventDefault();
  calm();
  try {
    await ask("POST", `/api/films/${film}/runs`, request());
    $("compose").disabled = true;
  } catch (error) {
    wrong(error);
  }
};
$("wishes").oninput = (event) => {
  if (!film) return;
  take();
  sayDials();
  if (event.target === $("words")) {
    clearTimeout($("words").timer);
    $("words").timer = setTimeout(understand, 500);
  }
  if (["from", "to"].includes(event.target.id)) timeline.show(filmNow(), seen.get(film), askOf(film), shownResult());
};
$("add-hit").onclick = () => timeline.addHit(timeline.snapped(timeline.time, null, timeline.moments));
$("add-section").onclick = () => timeline.addSection(timeline.snapped(timeline.time, null, [...seen.get(film).cuts, ...seen.get(film).borders]));
$("clear-energy").onclick = () => {
  askOf(film).energy = {};
  timeline.show(filmNow(), seen.get(film), askOf(film), shownResult());
  changed("The energy is as in the film again");
};
$("clear-hits").onclick = () => {
  askOf(film).hits = [];
  timeline.show(filmNow(), seen.get(film), askOf(film), shownResult());
  changed("All moments are removed");
};
$("redo").onclick = () => {
  const result = shownResult();
  const all = Array.from({ length: result.summary.borders.length - 1 }, (_, bar) => bar);
  redo(shownRun(), spans(all.filter((bar) => !result.kept.has(bar))), result.take);
};
for (const [id, isKept] of [["lock-all", true], ["unlock-all", false]])
  $(id).onclick = () => {
    const result = shownResult();
    result.kept.clear();
    if (isKept) for (let bar = 0; bar < result.summary.borders.length - 1; bar += 1) result.kept.add(bar);
    timeline.drawBars();
  };
$("zoom").oninput = () => {
  $("lanes").style.width = `${100 * $("zoom").value}%`;
  const scroller = $("scroller");
  scroller.scrollLeft = (timeline.time / (timeline.seen?.duration || 1)) * scroller.scrollWidth - scroller.clientWidth / 2;
};
$("toml").oninput = () => {
  const text = $("toml").value;
  askOf(film).description = text === seen.get(film).toml ? null : text;
  $("toml-state").textContent = askOf(film).description === null ? "" : "Changed: each line with a value is obeyed.";
  keep();
};
$("toml-reset").onclick = () => {
  $("toml").value = seen.get(film).toml;
  $("toml").oninput();
};
document.addEventListener("keydown", (event) => {
  if ($("work").hidden || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select, button, summary, a, video, [role=slider]") && event.target.type !== "range") return;
  const action = {
    " ": () => screen.toggle(), h: () => $("add-hit").click(), s: () => $("add-section").click(),
    ArrowLeft: () => screen.seek(Math.max(0, screen.time - 1)), ArrowRight: () => screen.seek(screen.time + 1),
  }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (action) {
    event.preventDefault();
    action();
  }
});
(function follow() {
  if (!$("work").hidden && screen.player) {
    const time = screen.time;
    if (Math.abs(time - timeline.time) > 0.01) timeline.moveTo(time);
  }
  requestAnimationFrame(follow);
})();
window.addEventListener("beforeunload", (event) => {
  if (upload) event.preventDefault();
});
listen(hearState, (how) => {
  if (how === "anew") startedAnew();
  else banner("The app does not answer. Is it still running? Start it with: cmt app");
});
