// What the page says to the app, and how it hears from it.
const meta = (name) => document.querySelector(`meta[name="cmt-${name}"]`).content;
const TOKEN = meta("token");
export const BOOT = meta("boot");

export class Refused extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

const NO_ANSWER = "The app does not answer. Is it still running? Start it with: cmt app";

export async function ask(method, path, body) {
  let response;
  try {
    response = await fetch(path, {
      method,
      headers: { "X-CMT-Token": TOKEN, ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new Refused(NO_ANSWER, 0);
  }
  if (response.status === 204) return null;
  let content = null;
  try {
    content = await response.json();
  } catch {
    content = { error: `The app answered with ${response.status}.` };
  }
  if (!response.ok) throw new Refused(content.error ?? `The app answered with ${response.status}.`, response.status);
  return content;
}

/** Put a film up; `progress` hears the share that is there. The answer can be cancelled. */
export function putUp(file, progress) {
  const request = new XMLHttpRequest();
  const done = new Promise((resolve, reject) => {
    request.open("POST", "/api/films");
    request.setRequestHeader("X-CMT-Token", TOKEN);
    request.setRequestHeader("X-CMT-Name", encodeURIComponent(file.name.toWellFormed?.() ?? file.name));
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.onprogress = (event) => progress(event.lengthComputable ? event.loaded / event.total : null);
    request.onload = () => {
      let content = {};
      try {
        content = JSON.parse(request.responseText);
      } catch {
        content = { error: `The app answered with ${request.status}.` };
      }
      if (request.status === 201) resolve(content);
      else reject(new Refused(content.error ?? `The app answered with ${request.status}.`, request.status));
    };
    request.onerror = () => reject(new Refused(NO_ANSWER, 0));
    request.onabort = () => reject(new Refused("", -1));
    request.send(file);
  });
  return { done, cancel: () => request.abort() };
}

/** Listen for what changes. `heard` gets the whole state, `lost` is told that the app does not answer. */
export function listen(heard, lost) {
  const source = new EventSource("/api/events");
  source.onmessage = (event) => heard(JSON.parse(event.data));
  source.onerror = async () => {
    // A server that was started anew does not know us; one that is gone does not answer.
    try {
      const response = await fetch("/api/state");
      if (response.status === 401) {
        source.close();
        lost("anew");
      } else if (source.readyState === EventSource.CLOSED) {
        setTimeout(() => listen(heard, lost), 2000);
      }
    } catch {
      lost("silent");
      if (source.readyState === EventSource.CLOSED) setTimeout(() => listen(heard, lost), 2000);
    }
  };
  return source;
}
