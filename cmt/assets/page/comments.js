// Comments at a time: kept in this browser, saved as a file that `cmt generate --redo` reads.
const MOST_COMMENTS = 500;
const comments = { list: [], editing: null, key: `cmt-comments-${C.id}` };

comments.read = () => {
  try {
    const kept = JSON.parse(localStorage.getItem(comments.key) || '[]');
    if (Array.isArray(kept)) comments.list = kept.filter((one) => one && typeof one.text === 'string' && Number.isFinite(one.begin)).slice(0, MOST_COMMENTS);
  } catch { /* the browser keeps nothing for this page */ }
};
comments.keep = () => {
  comments.list.sort((a, b) => a.begin - b.begin);
  try { localStorage.setItem(comments.key, JSON.stringify(comments.list)); } catch {
    $('comments-hint').textContent = 'This browser keeps nothing for this page: save your comments before you close it.';
  }
};
comments.asFile = () => ({
  schema: 1,
  comments: comments.list.map(({ begin, end, instrument, text, redo }) => ({ begin, end, instrument, text, redo })),
});
comments.save = () => {
  download(`${C.name}.comments.json`, `${JSON.stringify(comments.asFile(), null, 1)}\n`);
  say('Comments are saved as a file');
};
// Read a file that was saved here, or by somebody else; what is here already stays, and is not there twice.
comments.open = async (file) => {
  let read = null;
  try { if (file.size < 5e6) read = JSON.parse(await file.text()); } catch { /* no JSON */ }
  const isTime = (value) => Number.isFinite(value) && value >= 0 && value <= C.duration;
  const good = (read && read.schema === 1 && Array.isArray(read.comments) ? read.comments : []).filter((one) => one && typeof one.text === 'string' && one.text.trim() && isTime(one.begin));
  if (!good.length) return `${file.name} has no comments for this piece. Open a file that Save comments has written.`;
  let n = 0;
  for (const { begin, end, instrument, text, redo } of good) {
    const comment = { begin, end: isTime(end) && end > begin ? end : null, instrument: C.instruments.some((one) => one.name === instrument) ? instrument : null, text: text.slice(0, 2000), redo: redo !== false };
    if (comments.list.length >= MOST_COMMENTS || comments.list.some((one) => JSON.stringify(one) === JSON.stringify(comment))) continue;
    comments.list.push(comment);
    n += 1;
  }
  return `${n} of ${good.length} comment${good.length === 1 ? '' : 's'} read from ${file.name}${n < good.length ? '; the others are here already' : ''}.`;
};
comments.parts = () => comments.list.filter((one) => one.redo).map((one) => {
  const first = barAt(one.begin + 0.01);
  return partText(first, one.end === null ? first : Math.max(first, barAt(one.end - 0.01)), one.instrument);
});
comments.option = () => (comments.parts().length ? ` --redo ${asFile(`${C.name}.comments.json`)}` : '');

function partText(first, last, instrument) {
  const bars = first === last ? String(first + 1) : `${first + 1}-${last + 1}`;
  return instrument ? `${instrument}@${bars}` : bars;
}
// One command for all that is saved here.
const changing = () => `${from()}${comments.option()}${sounds.option()}`;
const told = () => comments.list.map(({ begin, text }) => ({ time: begin, text }));

comments.openForm = (seconds, comment = null) => {
  comments.editing = comment;
  const bars = state.chosen;
  const span = comment ? [comment.begin, comment.end] : bars && seconds >= C.borders[bars.first] - 0.01 && seconds <= C.borders[bars.last + 1] ? [C.borders[bars.first], C.borders[bars.last + 1]] : [seconds, null];
  $('comment-begin').value = span[0].toFixed(2);
  $('comment-end').value = span[1] === null ? '' : span[1].toFixed(2);
  $('comment-begin').max = $('comment-end').max = C.duration.toFixed(2);
  $('comment-who').value = comment ? comment.instrument || '' : '';
  $('comment-text').value = comment ? comment.text : '';
  $('comment-redo').checked = comment ? comment.redo : true;
  $('comment-error').textContent = '';
  $('comment-form').hidden = false;
  $('comment-text').focus();
};
comments.closeForm = () => { $('comment-form').hidden = true; comments.editing = null; $('comment-add').focus(); };

comments.take = () => {
  const begin = Number.parseFloat($('comment-begin').value), endText = $('comment-end').value.trim();
  const end = endText === '' ? null : Number.parseFloat(endText), text = $('comment-text').value.trim();
  let wrong = '';
  if (!text) wrong = 'Say what you would change.';
  else if (!(begin >= 0 && begin < C.duration)) wrong = `The piece lasts ${C.duration.toFixed(2)} seconds: begin before that.`;
  else if (end !== null && !(end > begin)) wrong = 'The end comes after the begin, or is left empty.';
  $('comment-error').textContent = wrong;
  if (wrong) return false;
  const comment = comments.editing || {};
  Object.assign(comment, { begin, end: end === null ? null : Math.min(end, C.duration), instrument: $('comment-who').value || null, text, redo: $('comment-redo').checked });
  if (!comments.editing) comments.list.push(comment);
  return true;
};

comments.show = (actions) => {
  $('comments-count').textContent = comments.list.length ? `(${comments.list.length})` : '';
  $('comments').replaceChildren(...comments.list.map((comment, number) => {
    const until = comment.end === null ? '' : ` to ${clockText(comment.end)}`;
    const bar = barAt(comment.begin) + 1;
    return el('li', { class: 'comment', id: `comment-${number}`, tabindex: '-1' },
      el('div', { class: 'head' },
        el('b', {}, String(number + 1)),
        el('button', { type: 'button', 'aria-label': `Go to ${clockText(comment.begin)}`, on: { click: () => actions.seek(comment.begin) } }, `${clockText(comment.begin)}${until}`),
        el('span', { class: 'soft' }, `bar ${bar}${comment.instrument ? `, ${comment.instrument}` : ''}${comment.redo ? '' : ', not written anew'}`),
        el('span', { class: 'push' },
          el('button', { type: 'button', 'aria-label': `Edit comment ${number + 1}`, on: { click: () => comments.openForm(comment.begin, comment) } }, 'Edit'),
          el('button', { type: 'button', 'aria-label': `Delete comment ${number + 1}`, on: { click: () => { comments.list.splice(number, 1); actions.commented(`Comment ${number + 1} is deleted`); $('comment-add').focus(); } } }, 'Delete'))),
      el('p', {}, comment.text));
  }));
  $('comments-out').hidden = comments.list.length === 0;
  const parts = comments.parts();
  $('comments-take').hidden = C.takes.length === 1 || parts.length === 0;
  $('comments-take').textContent = `The bars are those of take ${take().label}, which you hear.`;
  $('comments-shell').hidden = IN_APP || parts.length === 0;
  $('comments-ask').hidden = !IN_APP || parts.length === 0;
  $('comments-hint-file').textContent = sounds.option()
    ? 'Put the saved file, and that of the sounds, beside the others. This command then writes the bars of all comments anew, with these sounds:'
    : 'Put the saved file beside the others. This command then writes the bars of all comments anew:';
  $('comments-command').textContent = changing();
};
