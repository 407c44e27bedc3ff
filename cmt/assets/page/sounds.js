// Sounds of what is seen: moved, changed, deleted and added here, and saved as a file that `--sound-events` reads.
const MOST_STEPS = 100;
const SHORTEST = 0.05;
const sounds = { list: [], chosen: null, steps: [], key: `cmt-sounds-${C.id}`, kinds: C.sounds ? C.sounds.kinds : {} };
const SOUNDS_FILE = `${C.name}.sound-events.json`;

sounds.asText = (list) => JSON.stringify(list);
sounds.isChanged = () => sounds.asText(sounds.list) !== sounds.asText(C.sounds.events);
sounds.asFile = () => ({ schema: C.sounds.schema, events: sounds.list });
sounds.option = () => (C.sounds && sounds.isChanged() ? ` --sound-events ${asFile(SOUNDS_FILE)}` : '');
sounds.begin = (one) => one.time - sounds.kinds[one.kind].before * one.length;
sounds.end = (one) => sounds.begin(one) + one.length;
sounds.isBed = (one) => sounds.kinds[one.kind].bed;

sounds.read = () => {
  if (!C.sounds) return;
  sounds.list = C.sounds.events.map((one) => ({ ...one }));
  try {
    const kept = JSON.parse(localStorage.getItem(sounds.key) || 'null');
    const isGood = (one) => one && sounds.kinds[one.kind] && [one.time, one.length, one.strength, one.pan, one.variant].every(Number.isFinite);
    if (Array.isArray(kept) && kept.every(isGood)) sounds.list = kept;
  } catch { /* the browser keeps nothing for this page */ }
};
sounds.keep = () => {
  sounds.list.sort((a, b) => a.time - b.time);
  try {
    if (sounds.isChanged()) localStorage.setItem(sounds.key, sounds.asText(sounds.list)); else localStorage.removeItem(sounds.key);
  } catch { /* then they are there as long as the page is open */ }
};

// What is about to change can be taken back; a drag is one step.
sounds.remember = () => {
  sounds.steps.push(sounds.asText(sounds.list));
  if (sounds.steps.length > MOST_STEPS) sounds.steps.shift();
};
sounds.undo = () => {
  if (!sounds.steps.length) return 'Nothing is left to take back';
  sounds.list = JSON.parse(sounds.steps.pop());
  sounds.chosen = null;
  return 'The last change is taken back';
};

sounds.change = (one, values) => {
  const its = { ...one, ...values };
  const rounded = (value, digits = 3) => Number(value.toFixed(digits));
  const most = sounds.isBed(its) ? Math.max(C.duration, 1) : C.sounds.longest;
  its.time = rounded(clamp(its.time, 0, Math.max(0, C.duration - 0.01)));
  its.length = rounded(clamp(its.length, SHORTEST, most));
  its.strength = rounded(clamp(its.strength, 0.01, 1));
  its.pan = rounded(clamp(its.pan, -1, 1));
  // What the picture had it for is true no more.
  if (its.time !== one.time || its.kind !== one.kind) its.cause = 'user';
  Object.assign(one, its);
};
sounds.add = (seconds) => {
  const one = { time: 0, length: 1, strength: 0.7, pan: 0, kind: 'hit', cause: 'user', variant: sounds.list.length % 5, file: null };
  sounds.change(one, { time: seconds });
  sounds.list.push(one);
  return one;
};
sounds.remove = (one) => { sounds.list = sounds.list.filter((other) => other !== one); sounds.chosen = null; };
sounds.step = (seconds, direction) => {
  const at = sounds.list.indexOf(sounds.chosen);
  if (!sounds.list.length) return null;
  if (at >= 0) return sounds.list[(at + direction + sounds.list.length) % sounds.list.length];
  if (direction > 0) return sounds.list.find((one) => one.time >= seconds - 0.01) || sounds.list[0];
  return sounds.list.findLast((one) => one.time <= seconds + 0.01) || sounds.list.at(-1);
};

// The row in which each is drawn: the first that is free; beds lie below.
sounds.MOST_ROWS = 3;
sounds.rows = () => {
  const free = [], row = new Map();
  for (const one of [...sounds.list].sort((a, b) => sounds.begin(a) - sounds.begin(b))) {
    if (sounds.isBed(one)) { row.set(one, 'bed'); continue; }
    let its = free.findIndex((until) => until <= sounds.begin(one));
    if (its < 0) its = free.length < sounds.MOST_ROWS ? free.length : free.indexOf(Math.min(...free));
    free[its] = Math.max(sounds.end(one), sounds.begin(one) + 0.3);
    row.set(one, its);
  }
  return row;
};

sounds.sideWord = (pan) => {
  const far = Math.abs(pan) < 0.1 ? '' : Math.abs(pan) < 0.5 ? 'a little ' : 'far ';
  return far ? `${far}${pan < 0 ? 'left' : 'right'}` : 'in the middle';
};
sounds.inWords = (one) => `${one.kind} at ${clockText(one.time, 2)}, ${one.length.toFixed(2)} s long, ${Math.round(100 * one.strength)}% strong, ${sounds.sideWord(one.pan)}`;
sounds.why = (one) => (one.cause === 'user' ? 'put there by you' : `for a ${one.cause} in the picture`);

sounds.save = () => {
  download(SOUNDS_FILE, `${JSON.stringify(sounds.asFile(), null, 1)}\n`);
  say('Sounds are saved as a file');
};

sounds.show = () => {
  if (!C.sounds) return;
  const one = sounds.chosen, n = sounds.list.length, isChanged = sounds.isChanged();
  $('sounds-count').textContent = `(${n})`;
  $('sound-form').hidden = !one;
  $('sound-before').disabled = $('sound-next').disabled = n === 0;
  $('sound-undo').disabled = sounds.steps.length === 0;
  $('sounds-out').hidden = !isChanged;
  $('sounds-command').textContent = changing();
  $('sounds-save-hint').textContent = comments.option()
    ? 'Put the saved file, and that of the comments, beside the others. This command then writes the piece with these sounds, and the bars of all comments anew:'
    : 'Put the saved file beside the others. This command then writes the piece with these sounds:';
  $('sounds-ask').hidden = !IN_APP;
  $('sounds-shell').hidden = $('sounds-save-hint').hidden = IN_APP;
  if (!one) return;
  $('sound-title').textContent = `Sound ${sounds.list.indexOf(one) + 1} of ${n}, ${sounds.why(one)}${one.file ? `, the file ${one.file}` : ''}`;
  $('sound-length').max = sounds.isBed(one) ? C.duration.toFixed(2) : C.sounds.longest;
  const values = { kind: one.kind, time: one.time, length: one.length, strength: Math.round(100 * one.strength), pan: Math.round(100 * one.pan) };
  for (const [name, value] of Object.entries(values)) {
    const field = $(`sound-${name}`);
    if (document.activeElement !== field || field.type === 'range' || field.tagName === 'SELECT') field.value = value;
  }
  $('sound-strength-said').textContent = `${Math.round(100 * one.strength)}%`;
  $('sound-pan-said').textContent = sounds.sideWord(one.pan);
};

sounds.wire = (actions) => {
  if (!C.sounds) return;
  $('sound-kind').append(...Object.keys(sounds.kinds).map((name) => el('option', { value: name }, sounds.kinds[name].bed ? `${name} (bed)` : name)));
  $('sound-time').max = C.duration.toFixed(2);
  for (const name of ['kind', 'time', 'length', 'strength', 'pan']) {
    const field = $(`sound-${name}`);
    field.addEventListener(field.type === 'range' ? 'input' : 'change', () => {
      const one = sounds.chosen, value = name === 'kind' ? field.value : Number.parseFloat(field.value);
      if (!one || (name !== 'kind' && !Number.isFinite(value))) { sounds.show(); return; }
      if (field !== sounds.dragged) { sounds.remember(); sounds.dragged = field.type === 'range' ? field : null; }
      sounds.change(one, { [name]: name === 'strength' || name === 'pan' ? value / 100 : value });
      if (field.type === 'number') field.value = one[name];
      actions.sounded();
    });
    field.addEventListener('change', () => { sounds.dragged = null; });
  }
  $('sound-form').addEventListener('submit', (event) => event.preventDefault());
  $('sound-before').addEventListener('click', () => actions.chooseSound(sounds.step(player.time(), -1)));
  $('sound-next').addEventListener('click', () => actions.chooseSound(sounds.step(player.time(), 1)));
  $('sound-add').addEventListener('click', () => {
    sounds.remember();
    actions.chooseSound(sounds.add(player.time()));
    actions.sounded('A sound is added');
    $('sound-kind').focus();
  });
  $('sound-other').addEventListener('click', () => {
    sounds.remember();
    sounds.change(sounds.chosen, { variant: sounds.chosen.variant + 1 });
    actions.sounded('Another make of the same kind will sound there');
  });
  $('sound-delete').addEventListener('click', () => { actions.deleteSound(); $('sound-next').focus(); });
  $('sound-undo').addEventListener('click', () => actions.sounded(sounds.undo()));
  $('sounds-save').addEventListener('click', sounds.save);
  $('sounds-ask').addEventListener('click', () => actions.redo([]));
  $('sounds-copy').addEventListener('click', () => copy($('sounds-command').textContent, $('sounds-copy')));
};
