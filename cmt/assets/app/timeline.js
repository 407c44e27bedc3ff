// The film in time: pictures, scenes, cuts and beats, energy, sections, bars. All that is drawn here is told by `changed`.
const SNAP = 8; // pixels
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

export const seconds = (time) => {
  const whole = Math.floor(time / 60);
  return `${whole}:${(time - 60 * whole).toFixed(2).padStart(5, "0")}`;
};

const make = (tag, name, text) => {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (text !== undefined) element.textContent = text;
  if (tag === "button") element.type = "button";
  return element;
};

const LEVEL_WORDS = [[0.15, "calm"], [0.37, "gentle"], [0.6, "steady"], [0.8, "lively"], [1.01, "intense"]];
const inWords = (energy) => LEVEL_WORDS.find(([most]) => energy < most)[1];

export class Timeline {
  constructor(root, { changed, seek, chosen }) {
    this.root = root;
    this.changed = changed;
    this.seek = seek;
    this.chosen = chosen;
    this.bar = 0;
    this.time = 0;
  }

  /** Show a film: what was seen in it, what is asked, and the bars of the result that is heard, if there is one. */
  show(film, seen, asked, result) {
    Object.assign(this, { film, seen, asked, result });
    this.root.replaceChildren();
    this.lane("ruler", null, (lane) => this.fillRuler(lane));
    this.lane("pictures", null, (lane) => {
      lane.style.backgroundImage = `url("/api/films/${film.id}/strip")`;
      lane.addEventListener("pointerdown", (event) => this.seek(this.at(event)));
    });
    this.lane("scenes", "Scenes", (lane) => this.fillScenes(lane));
    this.hits = this.lane("hits", "Cuts, beats of the picture, and moments to meet", (lane) => this.fillHits(lane));
    this.energy = this.lane("energy", "Energy: drag to draw it", (lane) => this.fillEnergy(lane));
    this.sections = this.lane("sections", "Sections", (lane) => this.fillSections(lane));
    if (result) this.bars = this.lane("bars", "Bars of this result: the green ones are kept", (lane) => this.fillBars(lane));
    this.shadeOutside();
    this.cursor = make("div", "cursor");
    this.root.append(this.cursor);
    this.moveTo(this.time);
  }

  lane(name, title, fill) {
    if (title) this.root.append(make("div", "lane-name", title));
    const lane = make("div", `lane ${name}`);
    this.root.append(lane);
    fill(lane);
    return lane;
  }

  place(element, begin, end) {
    element.style.left = `${(100 * begin) / this.seen.duration}%`;
    if (end !== undefined) element.style.width = `${(100 * (end - begin)) / this.seen.duration}%`;
    return element;
  }

  at(event) {
    const box = this.root.getBoundingClientRect();
    return clamp((event.clientX - box.left) / box.width, 0, 1) * this.seen.duration;
  }

  /** The nearest cut or beat of the picture, if it is near on the screen; Alt keeps the time itself. */
  snapped(time, event, places) {
    if (event?.altKey) return time;
    const near = (SNAP / this.root.getBoundingClientRect().width) * this.seen.duration;
    const best = places.reduce((a, b) => (Math.abs(b - time) < Math.abs(a - time) ? b : a), Infinity);
    return Math.abs(best - time) <= Math.max(near, 0.05) ? best : time;
  }

  get moments() {
    return [...this.seen.cuts, ...this.seen.beats.map(([time]) => time)];
  }

  moveTo(time) {
    this.time = time;
    if (this.cursor) this.cursor.style.left = `${(100 * clamp(time / this.seen.duration, 0, 1))}%`;
  }

  shadeOutside() {
    const begin = this.asked.start ?? 0;
    const end = this.asked.end ?? this.seen.duration;
    if (begin > 0) this.root.append(this.place(make("div", "outside"), 0, Math.min(begin, this.seen.duration)));
    if (end < this.seen.duration) this.root.append(this.place(make("div", "outside"), end, this.seen.duration));
  }

  fillRuler(lane) {
    const step = [0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300].find((one) => this.seen.duration / one <= 14) ?? 600;
    for (let time = 0; time < this.seen.duration - step / 3; time += step) {
      const label = step < 1 ? `${time.toFixed(1)}` : `${Math.floor(time / 60)}:${String(Math.round(time % 60)).padStart(2, "0")}`;
      lane.append(this.place(make("span", "", label), time));
    }
    lane.addEventListener("pointerdown", (event) => {
      lane.setPointerCapture(event.pointerId);
      this.seek(this.at(event));
      lane.onpointermove = (moved) => this.seek(this.at(moved));
    });
    lane.addEventListener("pointerup", () => (lane.onpointermove = null));
  }

  fillScenes(lane) {
    this.seen.scenes.forEach((scene, index) => {
      const again = scene.same_as ? `, like scene ${scene.same_as}` : "";
      const box = make("div", "scene", `${index + 1} ${scene.label}${again}`);
      box.title = `Scene ${index + 1}: ${scene.label}${again}, from ${seconds(scene.begin)}`;
      lane.append(this.place(box, scene.begin, Math.min(scene.end, this.seen.duration)));
    });
  }

  fillHits(lane) {
    for (const [time, strength] of this.seen.beats) {
      const beat = this.place(make("i", "beat"), time);
      beat.style.height = `${20 + 60 * strength}%`;
      lane.append(beat);
    }
    for (const time of this.seen.cuts) lane.append(this.place(make("i", "cut"), time));
    this.asked.hits.forEach((time, index) => lane.append(this.hitButton(time, index)));
    lane.onpointerdown = (event) => {
      if (event.target.closest(".hit")) return;
      this.addHit(this.snapped(this.at(event), event, this.moments));
    };
  }

  hitButton(time, index) {
    const button = this.place(make("button", "hit"), time);
    const nearest = this.seen.cuts.some((cut) => Math.abs(cut - time) < 0.01) ? ", on a cut" : "";
    button.setAttribute("aria-label", `Moment at ${seconds(time)}${nearest}. Arrows move it, Delete removes it.`);
    button.title = `${seconds(time)}${nearest}; drag it, or press Delete`;
    button.onpointerdown = (event) => {
      event.stopPropagation();
      button.setPointerCapture(event.pointerId);
      let moved = false;
      button.onpointermove = (move) => {
        moved = true;
        this.place(button, (this.asked.hits[index] = this.snapped(this.at(move), move, this.moments)));
      };
      button.onpointerup = () => {
        button.onpointermove = button.onpointerup = null;
        if (moved) this.settleHits(this.asked.hits[index]);
        else this.seek(time);
      };
    };
    button.onkeydown = (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (event.key === "Delete" || event.key === "Backspace") {
        this.asked.hits.splice(index, 1);
        this.settleHits(null, `Moment at ${seconds(time)} removed`);
      } else if (step) {
        this.asked.hits[index] = clamp(time + (step * (event.shiftKey ? 10 : 1)) / this.seen.fps, 0, this.seen.duration - 0.01);
        this.settleHits(this.asked.hits[index]);
      } else return;
      event.preventDefault();
      event.stopPropagation();
    };
    return button;
  }

  addHit(time) {
    time = clamp(time, 0, this.seen.duration - 0.01);
    if (!this.asked.hits.some((one) => Math.abs(one - time) < 0.01)) this.asked.hits.push(time);
    this.settleHits(time, `Moment to meet at ${seconds(time)}`);
  }

  settleHits(time, said) {
    this.asked.hits = this.asked.hits.map((one) => Math.round(one * 1000) / 1000).sort((a, b) => a - b);
    this.hits.replaceChildren();
    this.fillHits(this.hits);
    if (time !== null) {
      const index = this.asked.hits.findIndex((one) => Math.abs(one - time) < 0.002);
      this.hits.querySelectorAll(".hit")[index]?.focus({ preventScroll: true });
    }
    this.changed(said ?? "");
  }

  fillEnergy(lane) {
    for (const level of [0.25, 0.5, 0.75]) {
      const line = make("div", "grid", { 0.25: "gentle", 0.5: "steady", 0.75: "lively" }[level]);
      line.style.bottom = `${100 * level}%`;
      lane.append(line);
    }
    const { borders, energy } = this.seen;
    this.columns = energy.map((own, index) => {
      const bar = this.place(make("div", "bar"), Math.max(0, borders[index]), Math.min(borders[index + 1], this.seen.duration));
      lane.append(bar);
      return bar;
    });
    lane.tabIndex = 0;
    lane.setAttribute("role", "slider");
    lane.setAttribute("aria-label", "Energy bar by bar. Left and right choose a bar, up and down change it, Delete gives it back to the film.");
    lane.setAttribute("aria-valuemin", 0);
    lane.setAttribute("aria-valuemax", 100);
    this.drawEnergy(lane);
    let last = null;
    const draw = (event) => {
      const box = lane.getBoundingClientRect();
      const value = clamp(1 - (event.clientY - box.top) / box.height, 0, 1);
      const index = this.barAt(this.at(event));
      const from = last ?? { index, value };
      const n = Math.abs(index - from.index);
      for (let step = 0; step <= n; step += 1) {
        const share = n ? step / n : 1;
        const at = from.index + Math.sign(index - from.index) * step;
        this.asked.energy[at] = Math.round(100 * (from.value + (value - from.value) * share)) / 100;
      }
      last = { index, value };
      this.bar = index;
      this.drawEnergy(lane);
    };
    lane.onpointerdown = (event) => {
      lane.setPointerCapture(event.pointerId);
      last = null;
      draw(event);
      lane.onpointermove = draw;
    };
    lane.onpointerup = lane.onpointercancel = () => {
      lane.onpointermove = null;
      this.changed("");
    };
    lane.onkeydown = (event) => this.energyKey(lane, event);
  }

  energyKey(lane, event) {
    const move = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
    const change = { ArrowUp: 0.05, ArrowDown: -0.05, PageUp: 0.2, PageDown: -0.2 }[event.key];
    const n = this.seen.energy.length;
    if (move) this.bar = clamp(this.bar + move, 0, n - 1);
    else if (change) {
      const now = this.asked.energy[this.bar] ?? this.seen.energy[this.bar];
      this.asked.energy[this.bar] = Math.round(100 * clamp(now + change, 0, 1)) / 100;
    } else if (event.key === "Delete" || event.key === "Backspace") delete this.asked.energy[this.bar];
    else return;
    event.preventDefault();
    event.stopPropagation();
    this.drawEnergy(lane);
    if (!move) this.changed("");
  }

  drawEnergy(lane) {
    this.columns.forEach((bar, index) => {
      const value = this.asked.energy[index] ?? this.seen.energy[index];
      bar.style.height = `${Math.max(2, 100 * value)}%`;
      bar.classList.toggle("drawn", index in this.asked.energy);
      bar.classList.toggle("here", index === this.bar && lane.matches(":focus-visible"));
    });
    const value = this.asked.energy[this.bar] ?? this.seen.energy[this.bar];
    const whose = this.bar in this.asked.energy ? "yours" : "as in the film";
    lane.setAttribute("aria-valuenow", Math.round(100 * value));
    lane.setAttribute("aria-valuetext", `Bar ${this.bar + 1}, from ${seconds(this.seen.borders[this.bar])}: ${inWords(value)}, ${Math.round(100 * value)} of 100, ${whose}`);
  }

  barAt(time) {
    const index = this.seen.borders.findIndex((border) => border > time + 1e-9) - 1;
    return clamp(index < -1 ? this.seen.energy.length - 1 : index, 0, this.seen.energy.length - 1);
  }

  fillSections(lane) {
    const all = this.asked.sections;
    all.forEach((section, index) => {
      const end = all[index + 1]?.time ?? this.seen.duration;
      const words = [section.level || "as in the film", section.mood].filter(Boolean).join(", ");
      const button = this.place(make("button", "section", words), section.time, end);
      button.setAttribute("aria-pressed", section === this.section);
      button.title = `${words}, from ${seconds(section.time)}`;
      button.onclick = () => this.choose(section);
      lane.append(button);
    });
    lane.onpointerdown = (event) => {
      if (event.target === lane) this.addSection(this.snapped(this.at(event), event, [...this.seen.cuts, ...this.seen.borders]));
    };
  }

  addSection(time) {
    time = Math.round(1000 * clamp(time, 0, this.seen.duration - 0.05)) / 1000;
    const there = this.asked.sections.find((one) => Math.abs(one.time - time) < 0.05);
    const section = there ?? { time, level: "", mood: "" };
    if (!there) this.asked.sections.push(section);
    this.choose(section);
    this.changed(there ? "" : `Section from ${seconds(time)}`);
  }

  choose(section) {
    this.section = section;
    this.settleSections();
    this.chosen(section);
  }

  settleSections() {
    this.asked.sections.sort((a, b) => a.time - b.time);
    this.sections.replaceChildren();
    this.fillSections(this.sections);
  }

  removeSection(section) {
    this.asked.sections = this.asked.sections.filter((one) => one !== section);
    this.section = null;
    this.settleSections();
    this.changed(`Section from ${seconds(section.time)} removed`);
  }

  fillBars(lane) {
    const { borders, start } = this.result.summary;
    const kept = this.result.kept;
    const n = borders.length - 1;
    this.locks = [];
    for (let index = 0; index < n; index += 1) {
      const button = this.place(make("button", "lock", `${index + 1}`), borders[index] + start, borders[index + 1] + start);
      button.tabIndex = index === 0 ? 0 : -1;
      button.dataset.bar = index;
      if (this.result.anew?.has(index)) button.classList.add("anew");
      this.locks.push(button);
      lane.append(button);
    }
    const draw = () => {
      this.locks.forEach((button, index) => {
        button.setAttribute("aria-pressed", kept.has(index));
        button.setAttribute("aria-label", `Bar ${index + 1}: ${kept.has(index) ? "kept" : "open"}`);
      });
      this.changed("");
    };
    const set = (index, keep) => (keep ? kept.add(index) : kept.delete(index));
    lane.onpointerdown = (event) => {
      const first = event.target.closest(".lock");
      if (!first) return;
      const keep = !kept.has(Number(first.dataset.bar));
      set(Number(first.dataset.bar), keep);
      draw();
      lane.onpointermove = (move) => {
        const over = document.elementFromPoint(move.clientX, move.clientY)?.closest(".lock");
        if (over && this.locks.includes(over)) {
          set(Number(over.dataset.bar), keep);
          draw();
        }
      };
    };
    lane.onpointerup = lane.onpointerleave = () => (lane.onpointermove = null);
    lane.onkeydown = (event) => {
      const index = Number(event.target.dataset.bar);
      const move = { ArrowLeft: -1, ArrowRight: 1, Home: -n, End: n }[event.key];
      if (move) {
        const next = this.locks[clamp(index + move, 0, n - 1)];
        this.locks.forEach((button) => (button.tabIndex = button === next ? 0 : -1));
        next.focus();
      } else if (event.key === " " || event.key === "Enter") {
        set(index, !kept.has(index));
        draw();
      } else return;
      event.preventDefault();
      event.stopPropagation();
    };
    this.drawBars = draw;
    draw();
  }
}
