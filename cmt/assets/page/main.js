// How the parts work together.
const player = new Player(() => { shownPlaying(); tick(); }, (seconds) => film.follow(seconds));
window.cmtPlayer = player; // the app around this page moves, starts and stops it
comments.read();
sounds.read();
const actions = {
  seek: (seconds) => player.seek(seconds),
  scrub: (seconds) => player.seek(seconds),
  isPlaying: () => player.playing,
  choose: (a, b) => choose(Math.min(a, b), Math.max(a, b)),
  read: (comment) => { const item = $(`comment-${comments.list.indexOf(comment)}`); if (item) { item.scrollIntoView({ block: 'nearest' }); item.focus({ preventScroll: true }); } },
  sounded: (words) => { sounds.keep(); sounds.show(); comments.show(actions); timeline.soon(); showTable(); if (words) say(words); },
  chooseSound: (one, isThere = false) => {
    sounds.chosen = one;
    if (one && !isThere) player.seek(one.time);
    sounds.show();
    timeline.soon();
    if (one) say(`Sound ${sounds.list.indexOf(one) + 1} of ${sounds.list.length}: ${sounds.inWords(one)}`);
  },
  deleteSound: () => {
    if (!sounds.chosen) return;
    sounds.remember();
    sounds.remove(sounds.chosen);
    actions.sounded('The sound is deleted; Undo brings it back');
  },
  // What the app around this page is asked: the bars anew, with the sounds as they are here.
  redo: (parts) => tell({ type: 'cmt-redo', take: state.take + 1, redo: parts, comments: told(), sounds: sounds.option() ? sounds.asFile() : null }),
  commented: (words) => { comments.keep(); comments.show(actions); sounds.show(); timeline.soon(); if (words) say(words); },
};
const timeline = new Timeline(actions);
const film = new Film(player);

function shownPlaying() {
  document.body.classList.toggle('playing', player.playing);
  $('play').setAttribute('aria-label', player.playing ? 'Pause' : 'Play');
  if (player.problem && !$('film-note')) say(player.problem);
  else if (player.problem) { $('film-note').hidden = false; $('film-note').textContent = player.problem; }
  timeline.soon();
  if (player.playing) requestAnimationFrame(frame);
}

function frame() {
  tick();
  if (player.playing) requestAnimationFrame(frame);
}

let shown = null;
function tick() {
  let seconds = player.time();
  const bars = state.chosen;
  if (player.playing && state.loop && bars && (seconds >= C.borders[bars.last + 1] - 0.005 || seconds < C.borders[bars.first] - 0.05)) {
    seconds = C.borders[bars.first];
    player.seek(seconds);
    return;
  }
  if (player.playing && seconds >= C.duration - 0.005) { player.pause(); player.at = seconds = C.duration; }
  timeline.place(seconds, player.playing);
  film.follow(seconds);
  const text = clockText(seconds);
  if (player.playing) timeline.soon();
  if (shown === `${text} ${state.take}`) return;
  shown = `${text} ${state.take}`;
  $('clock').textContent = $('now-time').textContent = $('comment-now').textContent = text;
  if (C.sounds) $('sound-now').textContent = text;
  const bar = barAt(seconds), section = sectionAt(seconds), scene = sceneAt(seconds);
  $('clock-place').textContent = `bar ${bar + 1} of ${N_BAR}`;
  const scroller = $('scroller');
  scroller.setAttribute('aria-valuemax', C.duration.toFixed(1));
  scroller.setAttribute('aria-valuenow', seconds.toFixed(1));
  scroller.setAttribute('aria-valuetext', `${text} of ${clockText(C.duration, 0)}, bar ${bar + 1}${section && section.name ? `, section ${section.name}` : ''}`);
  facts('bar', `${bar + 1}, beat ${beatAt(seconds) + 1}`);
  facts('section', section && section.name ? section.name : '–');
  facts('chord', chordAt(seconds) || '–');
  const asked = take().asked[bar] ?? null;
  const played = take().obtained[bar] || 0;
  facts('energy', asked === null || busyWord(asked) === busyWord(played) ? busyWord(played) : `${busyWord(played)}, asked ${busyWord(asked)}`);
  if (scene) facts('scene', scene.words);
  showPoster(seconds);
}

const factElements = {};
function facts(name, text) {
  if (!factElements[name]) {
    const titles = { bar: 'Bar', section: 'Section', chord: 'Chord', energy: 'Energy', scene: 'Scene' };
    factElements[name] = el('dd', {});
    $('now').append(el('div', {}, el('dt', {}, titles[name]), factElements[name]));
  }
  if (factElements[name].textContent !== text) factElements[name].textContent = text;
}

function showPoster(seconds) {
  const poster = $('poster');
  if (!poster || film.isThere || !timeline.images.length) return;
  const one = nearest(timeline.images, seconds);
  if (poster.src !== one.image.src) poster.src = one.image.src;
}

function chooseTake(number) {
  if (number < 0 || number >= C.takes.length || number === state.take) return;
  state.take = number;
  player.mix();
  showTake();
  say(`Take ${take().label}, at ${clockText(player.time())}`);
  tell({ type: 'cmt-take', take: number + 1 });
}

function showTake() {
  document.querySelectorAll('[data-take]').forEach((button) => {
    const isIt = Number(button.dataset.take) === state.take;
    button.setAttribute(button.getAttribute('role') === 'radio' ? 'aria-checked' : 'aria-pressed', String(isIt));
    if (button.getAttribute('role') === 'radio') button.tabIndex = isIt ? 0 : -1;
  });
  timeline.soon();
  shown = null;
  tick();
  showPlayers();
  showTable();
  showRedo();
  showKeep();
  comments.show(actions);
  sounds.show();
}

// How a take that is not the best becomes the result.
function showKeep() {
  const isFirst = state.take === 0;
  $('take-shell').hidden = IN_APP || isFirst;
  $('take-use').hidden = !IN_APP || isFirst;
  $('take-use').textContent = `Use take ${take().label}`;
  $('take-words').hidden = isFirst;
  $('take-words').textContent = IN_APP ? `Take ${take().label} becomes a result of its own, with film and sound.` : `Do you prefer take ${take().label}? Type this in a terminal, in the folder of this page, and it gets files of its own:`;
  $('take-command').textContent = from();
}

function showAnew() {
  if (!C.anew.length) return;
  const spans = [];
  for (const [bar, players] of C.anew) {
    const last = spans.at(-1), who = String(players);
    if (last && last.last === bar - 1 && last.who === who) last.last = bar; else spans.push({ first: bar, last: bar, who, players });
  }
  const playing = new Set(take().sounds.map((one) => one.instrument));
  const words = spans.map(({ first, last, players }) => {
    const bars = first === last ? `bar ${first + 1}` : `bars ${first + 1} to ${last + 1}`;
    const isAll = [...playing].every((one) => players.includes(one));
    return isAll ? bars : `${players.map((one) => C.instruments[one].name).join(' and ')} in ${bars}`;
  });
  $('anew').hidden = false;
  $('anew').textContent = `Written anew: ${words.join(', ')}.`;
}

function choose(first, last) {
  state.chosen = first === null ? null : { first: clamp(first, 0, N_BAR - 1), last: clamp(last, 0, N_BAR - 1) };
  if (!state.chosen) setLoop(false);
  timeline.soon();
  showRedo();
}

function setLoop(isOn) {
  state.loop = isOn && state.chosen !== null;
  $('redo-loop').setAttribute('aria-pressed', String(state.loop));
}

function redoPart() { return partText(state.chosen.first, state.chosen.last, $('redo-who').value); }

function showRedo() {
  const bars = state.chosen;
  $('redo-from').value = bars ? bars.first + 1 : '';
  $('redo-to').value = bars ? bars.last + 1 : '';
  $('redo-from').max = $('redo-to').max = N_BAR;
  const usable = Boolean(bars);
  $('redo-shell').hidden = IN_APP || !usable;
  $('redo-ask').hidden = !IN_APP || !usable;
  $('redo-loop').disabled = $('redo-none').disabled = !bars;
  let words = 'Choose bars: click a bar number above, or type them here.';
  if (bars) {
    words = `${C.takes.length > 1 ? `Take ${take().label}: ` : ''}${bars.first === bars.last ? `Bar ${bars.first + 1}` : `Bars ${bars.first + 1} to ${bars.last + 1}`}, ${clockText(C.borders[bars.first])} to ${clockText(C.borders[bars.last + 1])}.`;
    if (!IN_APP) words += ' Type this in a terminal, in the folder of this page:';
    $('redo-command').textContent = `${from()} --redo ${redoPart()}`;
  }
  $('redo-words').textContent = words;
}

function showPlayers() {
  const inTake = new Map(take().sounds.map((one) => [one.instrument, one.name]));
  const canHear = player.hasStems && state.take === 0;
  $('players').replaceChildren(...C.instruments.map((one, number) => {
    if (!C.takes.some((other) => other.sounds.some((sound) => sound.instrument === number))) return null;
    const swatch = el('span', { class: 'swatch', 'aria-hidden': 'true' });
    swatch.style.background = `var(--${one.name})`;
    const flip = (set) => () => { if (set.has(number)) set.delete(number); else set.add(number); player.mix(); timeline.soon(); showPlayers(); };
    const chip = el('li', { class: `chip${isOut(number) || !inTake.has(number) ? ' out' : ''}` }, swatch,
      el('span', {}, one.name + (inTake.has(number) ? '' : ' (not in this take)')),
      el('button', { type: 'button', 'data-mute': one.name, 'aria-pressed': String(state.muted.has(number)), 'aria-label': `Mute ${one.name}`, on: { click: flip(state.muted) } }, 'Mute'),
      el('button', { type: 'button', 'data-solo': one.name, 'aria-pressed': String(state.solo.has(number)), 'aria-label': `Only ${one.name}`, on: { click: flip(state.solo) } }, 'Only'));
    return chip;
  }).filter(Boolean));
  let note = '';
  if (player.isSilent) note = 'No sound was made, only notes. Mute and Only dim the others above.';
  else if (!canHear && state.take !== 0 && player.hasStems) note = 'In this take, Mute and Only dim the notes above. The instruments of take A can be heard apart.';
  else if (!canHear) note = 'Mute and Only dim the notes above. To hear the instruments apart, make the piece with --stems (up to five minutes).';
  else if (C.mixed) note = "With an instrument muted you hear the music alone, without the film's own sound.";
  const focused = document.activeElement;
  $('players-note').textContent = note;
  if (focused === document.body && showPlayers.last) { const again = document.querySelector(showPlayers.last); if (again) again.focus(); }
}
$('players').addEventListener('click', (event) => {
  const button = event.target.closest('button');
  if (button) {
    const kind = button.dataset.mute ? 'mute' : 'solo';
    showPlayers.last = `[data-${kind}="${button.dataset[kind]}"]`;
    const again = document.querySelector(showPlayers.last);
    if (again) again.focus();
  }
}, true);

function showTable() {
  if (!$('table').closest('details').open) return;
  const head = ['Bar', 'Time', 'Section', 'Chords', 'Energy asked', 'Energy played', ...(C.picture ? ['Scene', 'Cuts', 'Sudden motions'] : []), ...(C.sounds ? ['Sounds'] : []), 'Notes'];
  const anew = new Map(C.anew);
  $('table').tHead.replaceChildren(el('tr', {}, ...head.map((name) => el('th', { scope: 'col' }, name))));
  $('table').tBodies[0].replaceChildren(...Array.from({ length: N_BAR }, (_, bar) => {
    const begin = C.borders[bar], end = C.borders[bar + 1], inside = (time) => time >= begin - 1e-4 && time < end - 1e-4;
    const section = take().sections.find((one) => one.bar === bar);
    const scene = sceneAt(begin);
    const cells = [section ? section.name : '', (take().chords[bar] || []).join(', '), take().asked[bar] ?? 'free', take().obtained[bar] ?? 0];
    if (C.picture) cells.push(scene ? scene.words : '', C.picture.cuts.filter(inside).map((t) => clockText(t, 2)).join(', '), C.picture.beats.filter(([t]) => inside(t)).length);
    if (C.sounds) cells.push(sounds.list.filter((one) => inside(one.time)).map((one) => `${one.kind} ${clockText(one.time, 2)}`).join(', '));
    cells.push(take().notes.filter((note) => inside(note[1])).length + (anew.has(bar) ? ', some new' : ''));
    return el('tr', {}, el('th', { scope: 'row' }, String(bar + 1)),
      el('td', {}, el('button', { type: 'button', 'aria-label': `Go to bar ${bar + 1}, ${clockText(begin)}`, on: { click: () => player.seek(begin) } }, clockText(begin))),
      ...cells.map((cell) => el('td', {}, String(cell))));
  }));
}

function build() {
  const first = C.takes[0];
  $('facts').textContent = [clockText(C.duration, 0), C.genre, first.key, `${C.tempo} BPM`, `${N_BAR} bar${N_BAR === 1 ? '' : 's'}`].filter(Boolean).join('  ·  ');
  $('clock-whole').textContent = `/ ${clockText(C.duration, 0)}`;
  C.takes.forEach((one, number) => {
    const [why, ...more] = one.reasons;
    const heard = C.heard[number] || (number === 0 && C.sound !== null);
    const details = [one.key, `${one.notes.length} notes`, ...(!heard && !player.isSilent ? ['to be seen only, its sound is not in this page'] : [])].join(', ');
    $('take-cards').append(el('button', { type: 'button', class: 'card', 'data-take': number, 'aria-pressed': 'false', on: { click: () => chooseTake(number) } },
      C.takes.length > 1 ? el('span', { class: 'letter' }, one.label) : null,
      el('span', { class: 'why' }, why || `${details[0].toUpperCase()}${details.slice(1)}.`),
      one.shares.length ? el('span', { class: 'shares' }, ...one.shares.map(([name, share]) => {
        const filled = el('span', {});
        filled.style.width = `${Math.round(100 * share)}%`;
        return el('span', { class: 'share' }, name, el('span', { class: 'track', 'aria-hidden': 'true' }, filled), el('b', {}, `${Math.round(100 * share)}%`));
      })) : null,
      el('span', { class: 'more' }, [...more, why ? `${details[0].toUpperCase()}${details.slice(1)}.` : ''].filter(Boolean).join(' '))));
    if (C.takes.length > 1) {
      $('deck-takes').append(el('button', { type: 'button', role: 'radio', 'data-take': number, 'aria-label': `Take ${one.label}`, title: `Take ${one.label} (${number + 1})`, on: { click: () => chooseTake(number) } }, one.label));
    }
  });
  if (C.takes.length === 1) { const card = document.querySelector('.card'); card.disabled = false; }
  const everyone = (word) => el('option', { value: '' }, word);
  $('redo-who').append(everyone('everybody'), ...take().sounds.map((one) => C.instruments[one.instrument].name).filter((name, i, all) => all.indexOf(name) === i).map((name) => el('option', { value: name }, name)));
  $('comment-who').append(everyone('everybody'), ...C.instruments.map((one) => el('option', { value: one.name }, one.name)));
  $('help-lanes').append(...timeline.lanes.map((lane) => el('p', {}, el('b', {}, lane.name), `: ${HELP[lane.id]}`)));
  const size = C.picture ? C.picture.size : null;
  if (size && $('frame')) { $('frame').style.setProperty('--shape', `${size[0]} / ${size[1]}`); $('frame').style.setProperty('--ratio', String(size[0] / size[1])); }
  if (player.isSilent) $('deck-takes').nextElementSibling.hidden = true;
}

const HELP = {
  ruler: 'bars of the music, numbered from 1, with seconds below. Diamonds are times that you asked the music to meet.',
  film: 'small pictures of it. A dashed line is a cut, where another shot begins; violet is a fade.',
  scenes: 'parts of the film that are one place, with their colour, what is seen, and the mood that it has.',
  motion: 'the blue curve is how fast the picture moves. An orange dot is a sudden motion, such as a jump or a blow (a visual beat). Music that has a stroke there looks in step.',
  energy: 'how busy each bar is: on how many of its 16 steps notes begin, from sparse (up to 3) over light, steady and busy to very busy (14 and more). The red line is what the picture, or you, asked for; where it is missing the music is free. The blocks are what the chosen take plays.',
  form: 'parts of the music. Two with one letter are alike.',
  chords: 'the harmony, where it changes.',
  roll: 'every note, from left to right in time, from low to high in pitch, in the colour of its instrument. Drums are at the bottom. A faint line is a C.',
  comments: 'what you said, at its time.',
  sounds: 'designed sounds beside the music, from their begin to their end. The line is the instant that each belongs to, the height says how strong it is, an arrow that it is heard on that side. Beds, which lie under a scene, are below. Drag one to move it; it snaps to cuts and sudden motions unless you hold alt.',
};

function wire() {
  $('play').addEventListener('click', toggle);
  if ($('big-play')) $('big-play').addEventListener('click', toggle);
  if ($('frame')) $('frame').addEventListener('click', (event) => { if (event.target !== $('big-play') && !$('big-play').contains(event.target)) toggle(); });
  $('volume').addEventListener('input', () => player.sound.volume(Number($('volume').value)));
  $('zoom-in').addEventListener('click', () => timeline.setZoom(timeline.zoom * 1.6));
  $('zoom-out').addEventListener('click', () => timeline.setZoom(timeline.zoom / 1.6));
  $('zoom-fit').addEventListener('click', () => timeline.setZoom(1));
  for (const id of ['redo-from', 'redo-to']) {
    $(id).addEventListener('change', () => {
      const a = Number($('redo-from').value), b = Number($('redo-to').value) || a;
      if (a >= 1) choose(Math.min(a, b) - 1, Math.max(a, b) - 1);
    });
    $(id).addEventListener('focus', () => $(id).select());
  }
  $('redo').addEventListener('submit', (event) => event.preventDefault());
  $('redo-who').addEventListener('change', showRedo);
  $('redo-copy').addEventListener('click', () => copy($('redo-command').textContent, $('redo-copy')));
  $('redo-loop').addEventListener('click', () => setLoop(!state.loop));
  $('redo-none').addEventListener('click', () => choose(null, null));
  $('redo-ask').addEventListener('click', () => actions.redo([redoPart()]));
  $('take-copy').addEventListener('click', () => copy($('take-command').textContent, $('take-copy')));
  sounds.wire(actions);
  $('take-use').addEventListener('click', () => tell({ type: 'cmt-use', take: state.take + 1 }));
  $('comments-ask').addEventListener('click', () => actions.redo(comments.parts()));
  $('comment-add').addEventListener('click', () => { player.pause(); comments.openForm(player.time()); });
  $('deck-comment').addEventListener('click', () => { player.pause(); comments.openForm(player.time()); });
  $('comment-cancel').addEventListener('click', comments.closeForm);
  $('comment-form').addEventListener('submit', (event) => {
    event.preventDefault();
    if (!comments.take()) return;
    comments.closeForm();
    actions.commented('The comment is kept in this browser');
  });
  $('comments-open').addEventListener('click', () => $('comments-file').click());
  $('comments-file').addEventListener('change', async () => {
    const file = $('comments-file').files[0];
    if (!file) return;
    const words = await comments.open(file);
    $('comments-file').value = '';
    actions.commented();
    $('comments-said').textContent = words;
  });
  $('comments-save').addEventListener('click', comments.save);
  $('comments-copy').addEventListener('click', () => copy($('comments-command').textContent, $('comments-copy')));
  $('table').closest('details').addEventListener('toggle', showTable);
  $('help-open').addEventListener('click', () => $('help').showModal());
  document.addEventListener('keydown', keys);
  $('deck-takes').addEventListener('keydown', (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    chooseTake((state.take + step + C.takes.length) % C.takes.length);
    document.querySelector(`#deck-takes [data-take="${state.take}"]`).focus();
  });
}

function toggle() { if (player.playing) player.pause(); else player.play(); }

function keys(event) {
  const target = event.target, isTyping = target.closest('input:not([type="range"]):not([type="checkbox"]), textarea, select');
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping || $('help').open) return;
  if (event.key === ' ' && target.closest('button, summary, a')) return;
  if (/^(Arrow|Home|End)/.test(event.key) && target.closest('input[type="range"]')) return;
  const beat = (C.borders[N_BAR] - C.borders[0]) / N_BAR / C.beats_per_bar;
  const bar = barAt(player.time());
  const run = {
    ' ': toggle,
    ArrowLeft: () => player.seek(event.shiftKey ? C.borders[player.time() - C.borders[bar] < 0.15 && bar > 0 ? bar - 1 : bar] : player.time() - beat),
    ArrowRight: () => player.seek(event.shiftKey ? C.borders[bar + 1] : player.time() + beat),
    Home: () => player.seek(0),
    End: () => player.seek(C.duration),
    '+': () => timeline.setZoom(timeline.zoom * 1.6), '=': () => timeline.setZoom(timeline.zoom * 1.6),
    '-': () => timeline.setZoom(timeline.zoom / 1.6), '−': () => timeline.setZoom(timeline.zoom / 1.6), 0: () => timeline.setZoom(1),
    b: () => choose(bar, bar),
    B: () => (state.chosen ? choose(Math.min(state.chosen.first, bar), Math.max(state.chosen.last, bar)) : choose(bar, bar)),
    l: () => { setLoop(!state.loop); say(state.loop ? 'The chosen bars are repeated' : 'Nothing is repeated'); },
    c: () => { player.pause(); comments.openForm(player.time()); },
    '?': () => $('help').showModal(),
  };
  if (C.sounds) {
    const shift = (seconds) => {
      if (!sounds.chosen) return;
      sounds.remember();
      sounds.change(sounds.chosen, { time: sounds.chosen.time + seconds });
      player.seek(sounds.chosen.time);
      actions.sounded(sounds.inWords(sounds.chosen));
    };
    const picture = 1 / ((C.picture && C.picture.fps) || 25);
    Object.assign(run, {
      s: () => actions.chooseSound(sounds.step(player.time(), 1)), S: () => actions.chooseSound(sounds.step(player.time(), -1)),
      ',': () => shift(-picture), '.': () => shift(picture), '<': () => shift(-beat), '>': () => shift(beat),
      Delete: actions.deleteSound, Escape: () => actions.chooseSound(null), u: () => actions.sounded(sounds.undo()),
    });
  }
  for (let number = 1; number <= Math.min(9, C.takes.length); number += 1) run[number] = () => chooseTake(number - 1);
  if (!run[event.key]) return;
  event.preventDefault();
  run[event.key]();
}

build();
wire();
showAnew();
showTake();
tick();
if (player.sound instanceof DecodedSound) {
  player.names().forEach((gain, name) => player.sound.load(name));
  C.heard.forEach((isThere, number) => { if (isThere && number) setTimeout(() => player.sound.load(`sound-${number}`), 400 * number); });
}
