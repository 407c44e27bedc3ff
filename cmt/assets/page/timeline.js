// The lanes: all that has a place in time, under one cursor. They are drawn on a canvas as wide as the window on them;
// what they show is in the table below the page too, for those who do not see it.
const NARROW = window.matchMedia('(max-width: 720px)');
const DARK = window.matchMedia('(prefers-color-scheme: dark)');
const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif';
const MOST_PX = 400;

class Timeline {
  constructor(actions) {
    this.actions = actions;
    this.canvas = $('lanes');
    this.pen = this.canvas.getContext('2d');
    this.scroller = $('scroller');
    this.images = C.picture ? C.picture.thumbnails.map((one) => this.image(one)) : [];
    this.zoom = 1;
    this.lanes = this.allLanes();
    this.readColours();
    this.layOut();
    this.scroller.addEventListener('scroll', () => this.soon(), { passive: true });
    new ResizeObserver(() => this.layOut()).observe($('lanes-box'));
    NARROW.addEventListener('change', () => this.layOut());
    DARK.addEventListener('change', () => { this.readColours(); this.soon(); });
    this.listen();
  }

  image(one) {
    const image = new Image();
    image.onload = () => this.soon();
    image.src = `data:image/jpeg;base64,${one.jpeg}`;
    return { time: one.time, image };
  }

  readColours() {
    const style = getComputedStyle(document.documentElement);
    const get = (name) => style.getPropertyValue(`--${name}`).trim();
    this.ink = {};
    for (const name of ['surface', 'raised', 'ink', 'soft', 'line', 'accent', 'motion', 'motion-fill', 'beat', 'cut', 'asked', 'done', 'speech', 'grid', 'grid-strong', 'chosen', 'sound', 'anew']) this.ink[name] = get(name);
    this.ink.sections = get('sections').split(/\s+/);
    this.ink.players = C.instruments.map((one) => get(one.name));
  }

  allLanes() {
    const lanes = [{ id: 'ruler', name: 'Bars', hint: 'and seconds', height: 36, draw: (l) => this.drawRuler(l), tip: (t) => `bar ${barAt(t) + 1}, beat ${beatAt(t) + 1}` }];
    const picture = C.picture;
    if (picture) {
      if (this.images.length) lanes.push({ id: 'film', name: 'Film', hint: 'dashed line: a cut', height: 64, draw: (l) => this.drawFilm(l), tip: (t) => this.filmTip(t) });
      lanes.push({ id: 'scenes', name: 'Scenes', hint: 'place and mood', height: 42, draw: (l) => this.drawScenes(l), tip: (t) => this.sceneTip(t) });
      if (C.sounds) lanes.push({ id: 'sounds', name: 'Sounds', hint: 'choose one, change it below', height: 74, draw: (l) => this.drawSounds(l), tip: (t, y, lane) => { const one = this.soundAt(t, y, lane); return one ? `${sounds.inWords(one)}\n${sounds.why(one)}` : ''; } });
      lanes.push({ id: 'motion', name: 'Motion', hint: 'how fast the picture moves', keys: [['motion', 'speed', ''], ['beat', 'sudden', 'dot']], height: 70, draw: (l) => this.drawMotion(l), tip: (t) => this.motionTip(t) });
    }
    lanes.push({ id: 'energy', name: 'Energy', hint: 'how busy each bar is', keys: [['asked', 'asked', ''], ['done', 'played', 'block']], height: 70, draw: (l) => this.drawEnergy(l), tip: (t) => energyText(barAt(t)) });
    lanes.push({ id: 'form', name: 'Sections', hint: 'same letter: alike', height: 40, draw: (l) => this.drawSections(l), tip: (t) => { const s = sectionAt(t); return s ? `section ${s.name || '(no name)'} from bar ${s.bar + 1}` : ''; } });
    lanes.push({ id: 'chords', name: 'Chords', hint: 'the harmony', height: 40, draw: (l) => this.drawChords(l), tip: (t) => `bar ${barAt(t) + 1}: ${chordAt(t) || 'no chord'}` });
    const colours = C.instruments.map((one) => [one.name, one.name, 'block']);
    if (C.anew.length) colours.push(['anew', 'written anew', '']);
    lanes.push({ id: 'roll', name: 'Notes', hint: 'up is higher in pitch, drums at the bottom', keys: colours, height: 320, draw: (l) => this.drawRoll(l), tip: (t, y, lane) => this.noteTip(t, y, lane) });
    lanes.push({ id: 'comments', name: 'Comments', hint: 'click one to read it', height: 40, draw: (l) => this.drawComments(l), tip: (t) => { const found = this.commentNear(t); return found ? found.text : ''; } });
    return lanes;
  }

  layOut() {
    const head = NARROW.matches ? 25 : 0;
    let top = 0;
    for (const lane of this.lanes) {
      lane.top = top;
      lane.head = lane.id === 'ruler' ? 0 : head;
      lane.full = lane.height + lane.head + (lane.id === 'ruler' ? 0 : 4);
      top += lane.full;
    }
    this.height = top;
    $('labels').replaceChildren(...this.lanes.filter((lane) => !(head && lane.id === 'ruler')).map((lane) => {
      const keys = (head && lane.id === 'roll' ? [] : lane.keys || []).map(([colour, words, kind]) => el('span', {}, el('span', { class: `key ${kind}`, 'data-ink': colour }), `${words} `));
      const label = el('div', { class: 'label' }, el('b', {}, lane.name), el('small', {}, lane.hint, keys.length && !head ? el('br') : ' ', ...keys));
      label.style.top = `${lane.top}px`;
      label.style.height = `${head ? lane.head : lane.full}px`;
      for (const key of label.querySelectorAll('.key')) {
        const colour = `var(--${key.dataset.ink})`;
        key.style.borderColor = colour;
        if (!key.classList.contains('key') || key.classList.contains('block') || key.classList.contains('dot')) key.style.background = colour;
      }
      return label;
    }));
    $('lanes-box').style.height = `${this.height + 2}px`;
    this.resize();
  }

  resize() {
    this.width = Math.max(50, this.scroller.clientWidth);
    const fit = this.width / C.duration;
    this.mostZoom = Math.max(1, MOST_PX / fit);
    this.zoom = clamp(this.zoom, 1, this.mostZoom);
    this.pps = fit * this.zoom;
    $('wide').style.width = `${Math.round(this.pps * C.duration)}px`;
    $('wide').style.height = `${this.height}px`;
    const scale = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(this.width * scale);
    this.canvas.height = Math.round(this.height * scale);
    this.canvas.style.width = `${this.width}px`;
    this.canvas.style.height = `${this.height}px`;
    this.scale = scale;
    this.place(this.at || 0);
    this.draw();
    $('zoom-out').disabled = this.zoom <= 1;
    $('zoom-in').disabled = this.zoom >= this.mostZoom;
  }

  setZoom(zoom, around) {
    const anchor = around === undefined ? this.at || 0 : around;
    const before = anchor * this.pps - this.scroller.scrollLeft;
    const inside = before >= 0 && before <= this.width ? before : this.width / 2;
    this.zoom = clamp(zoom, 1, this.mostZoom);
    this.resize();
    this.scroller.scrollLeft = anchor * this.pps - inside;
    this.soon();
  }

  // The cursor's place; in a zoomed view the view goes along while it plays.
  place(seconds, follow = false) {
    this.at = seconds;
    const x = seconds * this.pps;
    $('cursor').style.transform = `translateX(${x.toFixed(2)}px)`;
    if (!follow || this.zoom === 1) return;
    const inside = x - this.scroller.scrollLeft;
    if (inside < 0 || inside > this.width * 0.92) this.scroller.scrollLeft = x - this.width * 0.12;
  }

  soon() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => { this.waiting = false; this.draw(); });
  }

  x(seconds) { return seconds * this.pps - this.left; }

  draw() {
    const pen = this.pen;
    this.left = this.scroller.scrollLeft;
    this.from = this.left / this.pps;
    this.to = (this.left + this.width) / this.pps;
    pen.setTransform(this.scale, 0, 0, this.scale, 0, 0);
    pen.clearRect(0, 0, this.width, this.height);
    this.drawGrid();
    for (const lane of this.lanes) {
      pen.save();
      pen.beginPath();
      pen.rect(0, lane.top, this.width, lane.full);
      pen.clip();
      lane.draw({ ...lane, y: lane.top + lane.head + (lane.id === 'ruler' ? 0 : 2), h: lane.height });
      pen.restore();
      if (lane.top) { pen.fillStyle = this.ink.line; pen.fillRect(0, lane.top, this.width, 1); }
    }
  }

  *bars(margin = 1) {
    const first = Math.max(0, barAt(Math.max(0, this.from)) - margin), last = Math.min(N_BAR - 1, barAt(this.to) + margin);
    for (let bar = first; bar <= last; bar += 1) yield [bar, C.borders[bar], C.borders[bar + 1]];
  }

  drawGrid() {
    const pen = this.pen, barWidth = this.pps * C.duration / N_BAR;
    const every = this.barStep(barWidth);
    for (const [bar, begin, end] of this.bars()) {
      if (barWidth > 70) {
        pen.fillStyle = this.ink.grid;
        for (let beat = 1; beat < C.beats_per_bar; beat += 1) pen.fillRect(Math.round(this.x(begin + (end - begin) * beat / C.beats_per_bar)), 36, 1, this.height);
      }
      if (bar % every === 0) { pen.fillStyle = this.ink['grid-strong']; pen.fillRect(Math.round(this.x(begin)), 0, 1, this.height); }
    }
    for (const [begin, end] of C.speech) { pen.fillStyle = this.ink.speech; pen.fillRect(this.x(begin), 36, (end - begin) * this.pps, this.height); }
    if (state.chosen) {
      const begin = this.x(C.borders[state.chosen.first]), end = this.x(C.borders[state.chosen.last + 1]);
      pen.fillStyle = this.ink.chosen;
      pen.fillRect(begin, 0, end - begin, this.height);
      pen.fillStyle = this.ink.accent;
      pen.fillRect(begin, 0, end - begin, 3);
      pen.fillRect(begin, 0, 1, this.height);
      pen.fillRect(end - 1, 0, 1, this.height);
    }
  }

  barStep(barWidth) { return [1, 2, 4, 8, 16, 32, 64, 128, 256].find((step) => barWidth * step >= 26) || 512; }

  text(words, x, y, { size = 12, weight = 400, colour = 'ink', most = Infinity, align = 'left', halo = false } = {}) {
    const pen = this.pen;
    pen.font = `${weight} ${size}px ${FONT}`;
    pen.textAlign = align;
    pen.textBaseline = 'middle';
    pen.fillStyle = this.ink[colour] || colour;
    let shown = words;
    if (pen.measureText(shown).width > most) {
      while (shown && pen.measureText(`${shown}…`).width > most) shown = shown.slice(0, -1);
      shown = shown ? `${shown.trimEnd()}…` : '';
    }
    if (halo) { pen.strokeStyle = this.ink.surface; pen.lineWidth = 3; pen.strokeText(shown, x, y); }
    pen.fillText(shown, x, y);
    return shown ? pen.measureText(shown).width : 0;
  }

  drawRuler({ y, h }) {
    const barWidth = this.pps * C.duration / N_BAR, every = this.barStep(barWidth);
    for (const [bar, begin] of this.bars()) {
      if (bar % every) continue;
      const isChosen = state.chosen && bar >= state.chosen.first && bar <= state.chosen.last;
      this.text(String(bar + 1), this.x(begin) + 5, y + 12, { size: 13, weight: 650, colour: isChosen ? 'accent' : 'ink' });
    }
    const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600];
    const step = steps.find((one) => one * this.pps >= 62) || 1800;
    for (let t = Math.ceil(this.from / step) * step; t <= this.to && t <= C.duration; t += step) {
      this.pen.fillStyle = this.ink.soft;
      this.pen.fillRect(Math.round(this.x(t)), y + h - 4, 1, 4);
      const isLast = this.x(t) > this.width - 34;
      this.text(clockText(t, 0), this.x(t) + (isLast ? -4 : 4), y + h - 8, { size: 11, colour: 'soft', align: isLast ? 'right' : 'left' });
    }
    this.pen.fillStyle = this.ink.anew;
    for (const [bar] of C.anew) this.pen.fillRect(this.x(C.borders[bar]) + 1, y + h - 3, (C.borders[bar + 1] - C.borders[bar]) * this.pps - 1, 3);
    for (const t of C.hits) this.diamond(this.x(t), y + h - 8, this.ink.accent);
  }

  diamond(x, y, colour) {
    const pen = this.pen;
    pen.fillStyle = colour;
    pen.beginPath();
    pen.moveTo(x, y - 5); pen.lineTo(x + 5, y); pen.lineTo(x, y + 5); pen.lineTo(x - 5, y);
    pen.fill();
  }

  // From each cut on, small pictures of that shot stand side by side.
  drawFilm({ y, h }) {
    const pen = this.pen, first = this.images[0].image;
    if (first.naturalWidth) {
      const wide = Math.max(24, h * first.naturalWidth / first.naturalHeight);
      const borders = [0, ...C.picture.cuts, C.duration];
      for (let shot = 0; shot + 1 < borders.length; shot += 1) {
        const begin = borders[shot] * this.pps, end = borders[shot + 1] * this.pps;
        if (end < this.left || begin > this.left + this.width) continue;
        const inside = this.images.filter((one) => one.time >= borders[shot] - 0.02 && one.time < borders[shot + 1] - 0.02);
        for (let at = begin + wide * Math.max(0, Math.floor((this.left - begin) / wide)); at < Math.min(end, this.left + this.width); at += wide) {
          const one = nearest(inside.length ? inside : this.images, (at + wide / 2) / this.pps);
          if (!one.image.naturalWidth) continue;
          const room = Math.min(wide, end - at);
          pen.drawImage(one.image, 0, 0, one.image.naturalWidth * room / wide, one.image.naturalHeight, at - this.left, y, room, h);
        }
      }
    }
    for (const [, begin, end] of C.picture.fades) {
      pen.fillStyle = '#6a4c9366';
      pen.fillRect(this.x(begin), y, Math.max(2, (end - begin) * this.pps), h);
    }
    for (const cut of C.picture.cuts) this.cutLine(cut, y, h, true);
  }

  cutLine(seconds, y, h, strong) {
    const pen = this.pen, x = Math.round(this.x(seconds)) + 0.5;
    if (strong) {
      pen.strokeStyle = '#000000aa'; pen.lineWidth = 4; pen.setLineDash([]);
      pen.beginPath(); pen.moveTo(x, y); pen.lineTo(x, y + h); pen.stroke();
    }
    pen.strokeStyle = strong ? '#ffffff' : this.ink.soft;
    pen.lineWidth = strong ? 2 : 1;
    pen.setLineDash([5, 4]);
    pen.beginPath(); pen.moveTo(x, y); pen.lineTo(x, y + h); pen.stroke();
    pen.setLineDash([]);
  }

  drawScenes({ y, h }) {
    const pen = this.pen;
    for (const scene of C.picture.scenes) {
      if (scene.end < this.from || scene.begin > this.to) continue;
      const begin = this.x(scene.begin), end = this.x(scene.end), visible = Math.max(begin, 0);
      pen.fillStyle = scene.colour;
      pen.fillRect(begin + 1, y + 1, end - begin - 2, 9);
      pen.strokeStyle = this.ink.line; pen.lineWidth = 1;
      pen.strokeRect(begin + 1.5, y + 1.5, Math.max(0, end - begin - 3), 8);
      this.text(scene.words, visible + 6, y + 24, { size: 12.5, weight: 550, most: end - visible - 10 });
    }
  }

  drawMotion({ y, h }) {
    const pen = this.pen, { speed, beats, cuts } = C.picture, n = speed.length, base = y + h - 3, room = h - 8;
    const first = Math.max(0, Math.floor(this.from / C.duration * n) - 1), last = Math.min(n - 1, Math.ceil(this.to / C.duration * n) + 1);
    pen.beginPath();
    pen.moveTo(this.x(first / n * C.duration), base);
    for (let i = first; i <= last; i += 1) pen.lineTo(this.x((i + 0.5) / n * C.duration), base - speed[i] * room);
    pen.lineTo(this.x((last + 1) / n * C.duration), base);
    pen.fillStyle = this.ink['motion-fill'];
    pen.fill();
    pen.beginPath();
    for (let i = first; i <= last; i += 1) pen.lineTo(this.x((i + 0.5) / n * C.duration), base - speed[i] * room);
    pen.strokeStyle = this.ink.motion; pen.lineWidth = 1.6;
    pen.stroke();
    for (const cut of cuts) this.cutLine(cut, y, h, false);
    pen.fillStyle = this.ink.beat;
    for (const [time, saliency] of beats) {
      if (time < this.from - 1 || time > this.to + 1) continue;
      const x = this.x(time), high = base - (0.25 + 0.75 * saliency) * room;
      pen.fillRect(x - 0.75, high, 1.5, base - high);
      pen.beginPath(); pen.arc(x, high, 3.4, 0, 2 * Math.PI); pen.fill();
    }
  }

  // Where a sound is drawn: left and right edge, top and height.
  soundBox(one, row, { y, h }) {
    const bed = 15, struck = (h - bed - 4) / sounds.MOST_ROWS, x = this.x(Math.max(0, sounds.begin(one)));
    const wide = Math.max(5, this.x(Math.min(C.duration, sounds.end(one))) - x);
    if (row === 'bed') return { x, wide, top: y + h - bed, tall: bed - 2 };
    const tall = (0.45 + 0.55 * one.strength) * (struck - 2);
    return { x, wide, top: y + row * struck + (struck - tall) / 2, tall };
  }

  drawSounds(lane) {
    const pen = this.pen, rows = sounds.rows();
    const order = [...sounds.list].sort((a, b) => (a === sounds.chosen) - (b === sounds.chosen));
    for (const one of order) {
      if (sounds.end(one) < this.from || sounds.begin(one) > this.to) continue;
      const row = rows.get(one), { x, wide, top, tall } = this.soundBox(one, row, lane), isBed = row === 'bed';
      pen.globalAlpha = isBed ? 0.22 : 0.4;
      pen.fillStyle = this.ink.sound;
      pen.beginPath(); pen.roundRect(x, top, wide, tall, 3); pen.fill();
      pen.globalAlpha = 1;
      const at = this.x(one.time);
      if (!isBed) pen.fillRect(clamp(at - 1, 0, this.width - 2), top, 2.5, tall);
      if (one === sounds.chosen) { pen.strokeStyle = this.ink.accent; pen.lineWidth = 2; pen.strokeRect(x - 1, top - 1, wide + 2, tall + 2); }
      const side = Math.abs(one.pan) < 0.1 || isBed ? '' : one.pan < 0 ? '◂ ' : '▸ ', words = `${side}${one.kind}`;
      pen.font = `600 10.5px ${FONT}`;
      if (pen.measureText(words).width + 8 < wide) this.text(words, Math.max(x, 0) + (isBed ? 5 : at - x < 6 ? 6 : 4), top + tall / 2 + 0.5, { size: 10.5, weight: 600 });
    }
  }

  soundAt(t, y, lane) {
    const rows = sounds.rows(), its = { y: lane.top + lane.head + 2, h: lane.height }, x = this.x(t);
    const near = sounds.list.filter((one) => {
      const box = this.soundBox(one, rows.get(one), its);
      return x >= box.x - 3 && x <= box.x + box.wide + 3 && y >= box.top - 3 && y <= box.top + box.tall + 3;
    });
    return near.length ? near.reduce((best, one) => (Math.abs(one.time - t) < Math.abs(best.time - t) ? one : best)) : null;
  }

  // A time, or the cut or sudden motion that is as good as there.
  snapped(seconds) {
    const marks = C.picture ? [...C.picture.cuts, ...C.picture.beats.map(([time]) => time)] : [];
    const found = marks.filter((mark) => Math.abs(mark - seconds) * this.pps < 6);
    return found.length ? found.reduce((best, mark) => (Math.abs(mark - seconds) < Math.abs(best - seconds) ? mark : best)) : seconds;
  }

  drawEnergy({ y, h }) {
    const pen = this.pen, base = y + h - 3, room = h - 10;
    for (const [bar, begin, end] of this.bars()) {
      const x = this.x(begin), wide = (end - begin) * this.pps;
      const high = (take().obtained[bar] || 0) / C.steps * room;
      pen.fillStyle = this.ink.done;
      pen.fillRect(x + 1.5, base - high, Math.max(1, wide - 3), high);
    }
    pen.strokeStyle = this.ink.asked;
    pen.lineWidth = 2.6;
    pen.lineCap = 'butt';
    for (const [bar, begin, end] of this.bars()) {
      const asked = take().asked[bar];
      if (asked === null || asked === undefined) continue;
      const level = base - asked / C.steps * room;
      pen.beginPath(); pen.moveTo(this.x(begin) + 0.5, level); pen.lineTo(this.x(end) - 0.5, level); pen.stroke();
    }
    pen.fillStyle = this.ink['grid-strong'];
    pen.fillRect(0, base, this.width, 1);
  }

  drawSections({ y, h }) {
    const pen = this.pen, sections = take().sections, names = [...new Set(sections.map((one) => one.name))];
    sections.forEach((section, number) => {
      const begin = C.borders[section.bar], next = sections[number + 1], end = C.borders[next ? next.bar : N_BAR];
      if (end < this.from || begin > this.to) return;
      const x = this.x(begin), wide = (end - begin) * this.pps, visible = Math.max(x, 0);
      pen.fillStyle = section.name ? this.ink.sections[names.indexOf(section.name) % this.ink.sections.length] : this.ink.raised;
      pen.beginPath();
      pen.roundRect(x + 1.5, y + 4, Math.max(2, wide - 3), h - 8, 7);
      pen.fill();
      this.text(section.name, visible + 10, y + h / 2, { size: 14, weight: 700, most: x + wide - visible - 14 });
    });
  }

  drawChords({ y, h }) {
    let free = -Infinity, last = null;
    for (const [bar, begin, end] of this.bars(2)) {
      const chords = take().chords[bar] || [];
      chords.forEach((chord, number) => {
        const x = this.x(begin + (end - begin) * number / chords.length);
        const isNew = chord !== last;
        last = chord;
        if (!chord || !isNew || x < free) return;
        this.pen.fillStyle = this.ink.soft;
        this.pen.fillRect(Math.round(x), y + 3, 1, 5);
        free = x + this.text(chord, x + 4, y + h / 2 + 1, { size: 12.5, weight: 600 }) + 12;
      });
    }
  }

  rows() {
    const notes = C.takes.flatMap((one) => one.notes);
    const keys = [...new Set(notes.filter((note) => note[0] === 0).map((note) => note[3]))].sort((a, b) => a - b);
    const pitches = notes.filter((note) => note[0] !== 0).map((note) => note[3]);
    return { keys: new Map(keys.map((key, row) => [key, row])), low: Math.min(...pitches, 60) - 1, high: Math.max(...pitches, 72) + 1 };
  }

  rowOf({ y, h }) {
    this.pitchRows = this.pitchRows || this.rows();
    const { keys, low, high } = this.pitchRows;
    const drums = keys.size ? Math.min(0.26 * h, Math.max(18, 9 * keys.size)) : 0;
    const step = (h - drums - 6) / (high - low + 1);
    const drumStep = keys.size ? drums / keys.size : 0;
    const top = (note) => (note[0] === 0 ? y + h - 2 - (keys.get(note[3]) + 1) * drumStep : y + 2 + (high - note[3]) * step);
    const tall = (note) => (note[0] === 0 ? clamp(drumStep - 2, 2, 6) : Math.max(4, step - 0.6));
    return { top, tall, step, drums, low, high };
  }

  drawRoll(lane) {
    const pen = this.pen, { y, h } = lane, rows = this.rowOf(lane);
    pen.fillStyle = this.ink.line;
    for (let pitch = Math.ceil(rows.low / 12) * 12; pitch <= rows.high; pitch += 12) pen.fillRect(0, y + 2 + (rows.high - pitch + 1) * rows.step, this.width, 1);
    if (rows.drums) pen.fillRect(0, y + h - rows.drums - 3, this.width, 1);
    const anew = new Map(C.anew);
    pen.fillStyle = this.ink.anew;
    for (const [bar, players] of C.anew) {
      const begin = this.x(C.borders[bar]), wide = (C.borders[bar + 1] - C.borders[bar]) * this.pps;
      pen.globalAlpha = 0.12;
      pen.fillRect(begin, y, wide, h);
      pen.globalAlpha = 1;
      pen.fillRect(begin, y, wide, 2);
    }
    const isNew = (note) => anew.size && (anew.get(barAt(note[1] + 0.02)) || []).includes(note[0]);
    for (const [instrument, begin, end] of C.mutes) {
      pen.fillStyle = this.ink.players[instrument];
      pen.fillRect(this.x(begin), y + 1 + 4 * instrument, (end - begin) * this.pps, 2);
    }
    for (const outside of [true, false]) {
      for (const note of take().notes) {
        if (note[2] < this.from || note[1] > this.to || isOut(note[0]) !== outside) continue;
        const x = this.x(note[1]), wide = Math.max(2, (note[2] - note[1]) * this.pps - 1);
        const isSounding = !outside && this.at >= note[1] && this.at < Math.max(note[2], note[1] + 0.08) && this.actions.isPlaying();
        pen.globalAlpha = outside ? 0.14 : isSounding ? 1 : 0.62 + 0.38 * note[4] / 127;
        pen.fillStyle = this.ink.players[note[0]];
        pen.beginPath();
        pen.roundRect(x, rows.top(note), note[0] === 0 ? clamp(wide, 2.5, 5) : wide, rows.tall(note), Math.min(2, rows.tall(note) / 2));
        pen.fill();
        if (!outside && note[0] !== 0 && wide > 5) { pen.globalAlpha = 0.45; pen.fillStyle = this.ink.ink; pen.fillRect(x, rows.top(note), 1.5, rows.tall(note)); }
        if (!outside && isNew(note)) { pen.globalAlpha = 1; pen.strokeStyle = this.ink.anew; pen.lineWidth = 1.4; pen.stroke(); }
        if (isSounding) { pen.strokeStyle = this.ink.ink; pen.lineWidth = 1.2; pen.stroke(); }
      }
    }
    pen.globalAlpha = 1;
    if (!NARROW.matches || this.zoom >= 1) {
      for (let pitch = Math.ceil(rows.low / 12) * 12; pitch <= rows.high; pitch += 12) {
        const at = y + 2 + (rows.high - pitch + 0.5) * rows.step;
        if (at > y + 8 && at < y + h - rows.drums - 6) this.text(`C${pitch / 12 - 1}`, this.width - 5, at, { size: 10.5, colour: 'soft', align: 'right', halo: true });
      }
    }
  }

  drawComments({ y, h }) {
    const pen = this.pen;
    comments.list.forEach((comment, number) => {
      const x = this.x(comment.begin), end = this.x(comment.end === null ? comment.begin : comment.end);
      pen.fillStyle = this.ink.chosen;
      if (end > x) pen.fillRect(x, y + h / 2 - 4, end - x, 8);
      pen.fillStyle = this.ink.accent;
      pen.beginPath(); pen.arc(x + 9 > this.width && this.zoom === 1 ? x - 9 : x + 9, y + h / 2, 9, 0, 2 * Math.PI); pen.fill();
      this.text(String(number + 1), x + 9 > this.width && this.zoom === 1 ? x - 9 : x + 9, y + h / 2 + 0.5, { size: 11, weight: 700, colour: 'surface', align: 'center' });
    });
  }

  filmTip(t) {
    const cut = C.picture.cuts.find((one) => Math.abs(one - t) * this.pps < 6);
    const fade = C.picture.fades.find(([, begin, end]) => t >= begin && t <= end);
    return cut !== undefined ? `cut at ${clockText(cut, 2)}` : fade ? fade[0] : clockText(t);
  }

  sceneTip(t) {
    const number = C.picture.scenes.findIndex((one) => t >= one.begin && t < one.end);
    if (number < 0) return '';
    const { words, begin, end, same_as: again } = C.picture.scenes[number];
    return `scene ${number + 1}: ${words}\n${clockText(begin)} to ${clockText(end)}${again === null ? '' : `\nthe same place as scene ${again + 1}`}`;
  }

  motionTip(t) {
    const beat = C.picture.beats.find(([time]) => Math.abs(time - t) * this.pps < 6);
    if (beat) return `sudden motion at ${clockText(beat[0], 2)} (a visual beat)`;
    const speed = C.picture.speed[clamp(Math.floor(t / C.duration * C.picture.speed.length), 0, C.picture.speed.length - 1)];
    return `${speed < 0.12 ? 'hardly moves' : speed < 0.4 ? 'moves slowly' : speed < 0.75 ? 'moves fast' : 'moves as fast as ever in this film'}`;
  }

  noteTip(t, y, lane) {
    const rows = this.rowOf({ ...lane, y: lane.top + lane.head + 2, h: lane.height });
    const slack = 3 / this.pps;
    const found = take().notes.filter((note) => t >= note[1] - slack && t <= note[2] + slack && y >= rows.top(note) - 2 && y <= rows.top(note) + rows.tall(note) + 2 && !isOut(note[0])).at(-1);
    if (!found) return '';
    const names = ['C', 'C♯', 'D', 'E♭', 'E', 'F', 'F♯', 'G', 'A♭', 'A', 'B♭', 'B'];
    return found[0] === 0 ? 'drums' : `${C.instruments[found[0]].name}: ${names[found[3] % 12]}${Math.floor(found[3] / 12) - 1}`;
  }

  commentNear(t) { return comments.list.find((one) => Math.abs(one.begin * this.pps + 9 - t * this.pps) < 14) || null; }

  // What the pointer does: a click goes to a time, on the ruler or with shift it chooses bars.
  listen() {
    const wide = $('wide');
    const where = (event) => {
      const box = this.canvas.getBoundingClientRect(), y = event.clientY - box.top;
      return { seconds: clamp((event.clientX - box.left + this.scroller.scrollLeft) / this.pps, 0, C.duration), y, lane: this.lanes.find((one) => y >= one.top && y < one.top + one.full) };
    };
    let drag = null;
    wide.addEventListener('pointerdown', (event) => {
      if (event.button !== 0 || event.pointerType === 'touch') return;
      const { seconds, y, lane } = where(event);
      if (!lane) return;
      const bar = barAt(seconds);
      const sound = lane.id === 'sounds' && !event.shiftKey ? this.soundAt(seconds, y, lane) : null;
      if (sound) {
        drag = { kind: 'sound', sound, grip: seconds - sound.time, from: event.clientX };
        this.actions.chooseSound(sound, true);
        wide.setPointerCapture(event.pointerId);
        return;
      }
      drag = lane.id === 'ruler' || event.shiftKey ? { kind: 'bars', from: event.shiftKey && state.chosen ? state.chosen.first : bar } : { kind: 'seek' };
      wide.setPointerCapture(event.pointerId);
      if (drag.kind === 'bars') this.actions.choose(drag.from, bar);
    });
    wide.addEventListener('pointermove', (event) => {
      const { seconds, y, lane } = where(event);
      if (drag && drag.kind === 'sound') {
        if (!drag.moved && Math.abs(event.clientX - drag.from) < 3) return;
        if (!drag.moved) sounds.remember();
        drag.moved = true;
        const goal = seconds - drag.grip;
        sounds.change(drag.sound, { time: event.altKey ? goal : this.snapped(goal) });
        this.actions.sounded();
        this.tip(event, sounds.inWords(drag.sound));
        return;
      }
      if (drag) {
        if (drag.kind === 'bars') this.actions.choose(drag.from, barAt(seconds)); else { drag.moved = true; this.actions.scrub(seconds); }
        return;
      }
      if (event.pointerType !== 'touch') this.tip(event, lane ? lane.tip(seconds, y, lane) : '');
    });
    wide.addEventListener('pointerleave', () => { $('tip').hidden = true; });
    wide.addEventListener('pointercancel', () => { drag = null; });
    wide.addEventListener('click', (event) => {
      const { seconds, y, lane } = where(event), was = drag;
      drag = null;
      if (!lane || (was && (was.kind === 'bars' || was.moved))) return;
      const sound = was && was.kind === 'sound' ? was.sound : lane.id === 'sounds' ? this.soundAt(seconds, y, lane) : null;
      if (sound) { this.actions.chooseSound(sound); return; }
      if (lane.id === 'ruler') { this.actions.choose(barAt(seconds), barAt(seconds)); return; }
      const comment = lane.id === 'comments' ? this.commentNear(seconds) : null;
      this.actions.seek(comment ? comment.begin : seconds);
      if (comment) this.actions.read(comment);
    });
    this.scroller.addEventListener('wheel', (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      this.setZoom(this.zoom * Math.exp(-event.deltaY / 240), where(event).seconds);
    }, { passive: false });
  }

  tip(event, words) {
    const tip = $('tip');
    tip.hidden = !words;
    if (!words) return;
    tip.textContent = words;
    const box = $('lanes-box').getBoundingClientRect();
    const x = event.clientX - box.left, y = event.clientY - box.top;
    tip.style.left = `${clamp(x + 14, 4, box.width - tip.offsetWidth - 4)}px`;
    tip.style.top = `${y + 18 + tip.offsetHeight > box.height ? y - tip.offsetHeight - 8 : y + 18}px`;
  }
}

function nearest(images, seconds) {
  return images.reduce((best, other) => (Math.abs(other.time - seconds) < Math.abs(best.time - seconds) ? other : best));
}
function sectionAt(seconds) { const bar = barAt(seconds); return lastBefore(take().sections, bar, (one) => one.bar); }
function chordAt(seconds) {
  const bar = barAt(seconds), chords = take().chords[bar] || [];
  if (!chords.length) return '';
  const share = (seconds - C.borders[bar]) / (C.borders[bar + 1] - C.borders[bar]);
  return chords[clamp(Math.floor(share * chords.length + 1e-6), 0, chords.length - 1)];
}
function sceneAt(seconds) { return C.picture ? lastBefore(C.picture.scenes, seconds, (one) => one.begin) : null; }
// How busy a bar is in which notes begin on so many steps.
function busyWord(steps) {
  const share = steps / C.steps;
  return steps === 0 ? 'silent' : share < 0.2 ? 'sparse' : share < 0.45 ? 'light' : share < 0.65 ? 'steady' : share < 0.85 ? 'busy' : 'very busy';
}

function energyText(bar) {
  const asked = take().asked[bar], done = take().obtained[bar] || 0;
  return `${asked === null || asked === undefined ? 'asked: nothing, left free' : `asked: ${busyWord(asked)}, notes on ${asked} of ${C.steps} steps`}\nplayed: ${busyWord(done)}, ${done} of ${C.steps}`;
}
