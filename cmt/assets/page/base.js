'use strict';
const C = JSON.parse(document.getElementById('content').textContent);
const $ = (id) => document.getElementById(id);
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const N_BAR = C.borders.length - 1;

// An element with attributes and children; texts are texts, never markup.
function el(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name === 'on') for (const [event, run] of Object.entries(value)) element.addEventListener(event, run);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

function clockText(seconds, digits = 1) {
  const scale = 10 ** digits;
  const whole = Math.floor(Math.max(0, seconds) * scale + 1e-6) / scale;
  const minutes = Math.floor(whole / 60);
  const rest = (whole - 60 * minutes).toFixed(digits);
  return `${minutes}:${rest.padStart(digits ? digits + 3 : 2, '0')}`;
}

// The bar, from 0, that sounds at a time.
function barAt(seconds) {
  let low = 0, high = N_BAR - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (C.borders[middle] <= seconds + 1e-4) low = middle; else high = middle - 1;
  }
  return Math.max(0, low);
}

function beatAt(seconds) {
  const bar = barAt(seconds), begin = C.borders[bar], end = C.borders[bar + 1];
  return clamp(Math.floor((seconds + 1e-4 - begin) / ((end - begin) / C.beats_per_bar)), 0, C.beats_per_bar - 1);
}

// The last item of a list whose time is not after `seconds`, or null.
function lastBefore(items, seconds, timeOf) {
  let found = null;
  for (const item of items) { if (timeOf(item) <= seconds + 1e-4) found = item; else break; }
  return found;
}

function say(text) { $('live').textContent = text; }

function bytesOf(name) {
  const element = $(`media-${name}`);
  if (!element) return null;
  const binary = atob(element.textContent);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i += 1) bytes[i] = binary.charCodeAt(i);
  return bytes;
}
const addresses = new Map();
function blobAddress(name, type) {
  if (!addresses.has(name)) {
    const bytes = bytesOf(name);
    addresses.set(name, bytes && URL.createObjectURL(new Blob([bytes], { type })));
  }
  return addresses.get(name);
}

// A word as a shell reads it.
function quoted(word) {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) && !word.startsWith('-') ? word : `'${word.replaceAll("'", "'\"'\"'")}'`;
}
const asFile = (name) => quoted(name.startsWith('-') ? `./${name}` : name);
// The command that makes the take that is heard, to which what shall change is added.
const from = () => `cmt generate --from ${asFile(take().report)}`;

function download(name, text) {
  const address = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  const link = el('a', { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}

async function copy(text, button) {
  let done = true;
  try { await navigator.clipboard.writeText(text); } catch {
    const area = el('textarea', { class: 'unseen' });
    area.value = text;
    document.body.append(area);
    area.select();
    done = document.execCommand('copy');
    area.remove();
    button.focus();
  }
  const before = button.textContent;
  button.textContent = done ? 'Copied' : 'Select and copy it';
  say(done ? 'The command is copied' : 'The browser did not let the command be copied');
  setTimeout(() => { button.textContent = before; }, 1600);
}

const IN_APP = window.parent !== window;
function tell(message) {
  if (!IN_APP) return;
  try { window.parent.postMessage(message, window.location.origin); } catch { /* no page of ours is around this one */ }
}

const state = { take: 0, chosen: null, loop: false, muted: new Set(), solo: new Set() };
const take = () => C.takes[state.take];
const isOut = (instrument) => (state.solo.size ? !state.solo.has(instrument) : state.muted.has(instrument));
